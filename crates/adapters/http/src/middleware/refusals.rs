use actix_web::{HttpRequest, http::StatusCode};
use tenantry_identity::AuditTarget;
use uuid::Uuid;

use crate::{operations::API_PREFIX, scope::RequestScope, state::HttpState};

/// Writes a refusal into the audit log of the organisation where it happened, before it is answered. Doing it here, for
/// whatever is refused, is what makes sure that none is forgotten.
pub(super) async fn note(request: &HttpRequest, status: StatusCode, state: &HttpState) {
    if status != StatusCode::FORBIDDEN {
        return;
    }
    let Some(scope) = RequestScope::of(request) else { return };
    let (Some(context), Some(route)) = (scope.context(), scope.route()) else { return };
    let target = AuditTarget { kind: kind(route).into(), id: id(request) };
    if let Err(error) = state.services.audit_log.note_refusal(context, target).await {
        tracing::error!(%error, "a refusal could not be written into the audit log");
    }
}

/// What the resource is called in the log: `task` for `/api/v1/tasks/{id}/complete`.
fn kind(route: &str) -> String {
    let path = route.strip_prefix(API_PREFIX).unwrap_or(route);
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let collection = match segments.next().unwrap_or_default() {
        "admin" => segments.next().unwrap_or_default(),
        other => other,
    };
    match collection {
        "stats" => "platform".to_owned(),
        "companies" => "organization".to_owned(),
        "audit-log" => "audit_log".to_owned(),
        plural => plural.strip_suffix('s').unwrap_or(plural).replace('-', "_"),
    }
}

/// The first id in the path.
fn id(request: &HttpRequest) -> Option<Uuid> {
    request.match_info().iter().find_map(|(_, value)| Uuid::try_parse(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_tells_what_kind_of_thing_it_is_about() {
        let kinds = [
            "/api/v1/tasks/{id}/complete",
            "/api/v1/companies/{id}",
            "/api/v1/audit-log",
            "/api/v1/admin/users/{id}",
            "/api/v1/admin/stats",
            "/",
        ];
        let kinds = kinds.map(kind);
        assert_eq!(kinds, ["task", "organization", "audit_log", "user", "platform", ""]);
    }
}

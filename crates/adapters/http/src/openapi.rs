//! The OpenAPI 3.1 document, made from the operations that are served.

use utoipa::{
    PartialSchema as _, ToSchema as _,
    openapi::{
        Components, ComponentsBuilder, ContentBuilder, HttpMethod, InfoBuilder, LicenseBuilder, OpenApi,
        OpenApiBuilder, OpenApiVersion, PathItem, Paths, Ref, RefOr, ResponseBuilder,
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
        tag::TagBuilder,
    },
};

use crate::{
    VERSION,
    operations::{API_KEY, Operations, Served},
    problem::{FieldError, MEDIA_TYPE, ProblemDocument},
    routes,
};

/// The groups of operations.
const TAGS: &[(&str, &str)] = &[
    ("auth", "Signing up, signing in, staying signed in, signing out"),
    ("users", "The caller's own account, and the users of an organization"),
    ("organizations", "The organizations that the caller belongs to"),
    ("projects", "Projects of the organization"),
    ("cycles", "Rounds of a project's work"),
    ("sessions", "Sync sessions: folders of the server that are brought into an object store"),
    ("uploads", "The jobs of sync sessions, and files that clients send themselves"),
    ("tasks", "Tasks"),
    ("advisors", "Whom the members of the organization can ask"),
    ("readings", "Questions to advisors, and their answers"),
    ("audit", "What was done and refused in the organization"),
    ("admin", "Administering the platform, for its administrators"),
    ("service", "Health, metrics and documents of the server"),
];

/// The document.
#[must_use]
pub fn document() -> OpenApi {
    describe(&routes::all())
}

/// The document as indented JSON; the same operations give the same text.
#[must_use]
pub fn document_json() -> String {
    to_json(&document())
}

pub(crate) fn to_json(document: &OpenApi) -> String {
    document.to_pretty_json().unwrap_or_else(|error| {
        tracing::error!(%error, "the OpenAPI document can't be written as JSON");
        String::new()
    })
}

/// Describes these operations.
pub(crate) fn describe(operations: &Operations) -> OpenApi {
    let bearer: SecurityRequirement = SecurityRequirement::new("bearer", Vec::<String>::new());
    let mut document = OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Tenantry")
                .version(VERSION)
                .description(Some("Accounts, organizations and tasks for multi-tenant products."))
                .license(Some(LicenseBuilder::new().name("MIT OR Apache-2.0").build()))
                .build(),
        )
        .paths(paths(operations))
        .components(Some(components(operations)))
        .security(Some([bearer]))
        .tags(Some(TAGS.iter().map(|(name, text)| TagBuilder::new().name(*name).description(Some(*text)).build())))
        .build();
    document.openapi = OpenApiVersion::Version31;
    document
}

fn paths(operations: &Operations) -> Paths {
    let mut served: Vec<&Served> = operations.served().iter().collect();
    served.sort_by(|one, other| one.path.cmp(&other.path));
    let mut paths = Paths::new();
    for operation in served {
        for (position, method) in operation.methods.iter().enumerate() {
            let item = paths.paths.entry(operation.path.clone()).or_default();
            item.merge_operations(describe_method(operation, position, method));
        }
    }
    paths
}

/// The item of one method; methods after the first get ids of their own.
fn describe_method(operation: &Served, position: usize, method: &HttpMethod) -> PathItem {
    let mut description = operation.description.clone();
    if let Some(id) = &mut description.operation_id
        && position > 0
    {
        id.push('_');
        id.push_str(method_name(method));
    }
    let problem = RefOr::Ref(Ref::from_response_name("Problem"));
    description.responses.responses.entry("default".to_owned()).or_insert(problem);
    PathItem::new(method.clone(), description)
}

fn method_name(method: &HttpMethod) -> &'static str {
    match method {
        HttpMethod::Get => "get",
        HttpMethod::Post => "post",
        HttpMethod::Put => "put",
        HttpMethod::Delete => "delete",
        HttpMethod::Options => "options",
        HttpMethod::Head => "head",
        HttpMethod::Patch => "patch",
        HttpMethod::Trace => "trace",
    }
}

fn components(operations: &Operations) -> Components {
    let problem = ResponseBuilder::new()
        .description("A problem (RFC 9457); `error_code` says which, and `/problems/{slug}` explains it.")
        .content(MEDIA_TYPE, ContentBuilder::new().schema(Some(Ref::from_schema_name(ProblemDocument::name()))).build())
        .build();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("An access token from `/auth/login`."))
        .build();
    let api_key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("tnt_…")
        .description(Some(
            "An API key from `/auth/api-keys`, with the scope that is named here; writing includes reading.",
        ))
        .build();
    ComponentsBuilder::new()
        .schemas_from_iter(operations.schemas().clone())
        .schema(ProblemDocument::name(), ProblemDocument::schema())
        .schema(FieldError::name(), FieldError::schema())
        .response("Problem", problem)
        .security_scheme("bearer", SecurityScheme::Http(bearer))
        .security_scheme(API_KEY, SecurityScheme::Http(api_key))
        .build()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::Value;

    use super::*;

    fn json() -> Value {
        serde_json::from_str(&document_json()).unwrap()
    }

    /// Every `$ref` of the document.
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn is_openapi_3_1_and_stable() {
        let version = json().get("openapi").and_then(Value::as_str).unwrap().to_owned();
        assert!(version.starts_with("3.1"), "{version}");
        assert_eq!(document_json(), document_json());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = json();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.iter().any(|reference| reference == "#/components/responses/Problem"));
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn every_operation_has_an_id_of_its_own_a_known_tag_a_summary_and_the_problem_answer() {
        let document = json();
        let tags: HashSet<&str> = TAGS.iter().map(|(name, _)| *name).collect();
        let mut ids = HashSet::new();
        for (path, item) in document.get("paths").and_then(Value::as_object).unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let id = operation.get("operationId").and_then(Value::as_str).unwrap();
                assert!(ids.insert(id.to_owned()), "{id}");
                assert!(operation.get("summary").is_some(), "{method} {path}");
                assert!(operation.pointer("/responses/default").is_some(), "{method} {path}");
                let tag = operation.pointer("/tags/0").and_then(Value::as_str).unwrap();
                assert!(tags.contains(tag), "{method} {path}: {tag}");
            }
        }
        assert!(ids.contains("health") && ids.contains("health_at_health"), "{ids:?}");
    }
}

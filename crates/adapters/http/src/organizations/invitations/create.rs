use actix_web::HttpResponse;
use serde::Deserialize;
use tenantry_application::NewInvitation;
use tenantry_identity::Email;
use tenantry_tenancy::{InvitationId, Role};
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::InvitationView;
use crate::{
    caller::{Insider, State},
    etag::Tagged,
    fields::Fields,
    idempotency::{Creation, Creator},
    operations::API_PREFIX,
    problem::Problem,
};

/// Whom to invite.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateInvitation {
    #[schema(format = Email, max_length = 254)]
    email: String,
    /// OWNER, ADMIN, MEMBER or GUEST; none above one's own.
    role: String,
}

impl CreateInvitation {
    fn parse(&self, id: Option<InvitationId>) -> Result<NewInvitation, Problem> {
        let mut fields = Fields::new();
        let email = fields.parse("email", &self.email, Email::parse);
        let role = fields.parse("role", &self.role, str::parse::<Role>);
        let (email, role) = fields.finish((email, role))?;
        Ok(NewInvitation { id, email, role })
    }
}

/// Invite somebody by mail to join the organization.
///
/// Whoever was invited before and has not joined gets another mail, whose link replaces that of the one before. An address
/// gets a few invitations an hour at most.
#[utoipa::path(post, path = "/organizations/{id}/invitations", tag = "organizations", request_body = CreateInvitation,
    security(("bearer" = []), ("api_key" = ["organizations:write"])),
    params(("id" = Uuid, Path, description = "The organization"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes sending the request again safe")),
    responses((status = 201, description = "The invitation.", body = InvitationView)))]
pub(crate) async fn handler(
    Insider(caller): Insider,
    state: State,
    creation: Creation<CreateInvitation>,
) -> Result<HttpResponse, Problem> {
    let create = async |body: CreateInvitation, reserved: Option<Uuid>| {
        let new = body.parse(reserved.map(InvitationId::from_uuid))?;
        let invitation = state.services.invitations.invite(&caller.context, new).await?;
        let location =
            format!("{API_PREFIX}/organizations/{}/invitations/{}", invitation.organization_id, invitation.id);
        let view = InvitationView::at(&invitation, state.clock.now());
        Ok(Tagged::created(invitation.revision, location, view))
    };
    creation.once(&state, &Creator::within(&caller), create).await
}

use actix_web::HttpResponse;
use serde::Deserialize;
use tenantry_identity::{Email, LinkPurpose};
use utoipa::ToSchema;

use super::view::Message;
use crate::{caller::State, fields::Fields, problem::Problem};

/// Who wants a mail with a link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MailRequest {
    #[schema(format = Email, max_length = 254)]
    email: String,
}

impl MailRequest {
    /// Asks for the mail. The answer, and the work for it, are the same for every address.
    pub(super) async fn ask(self, state: &State, purpose: LinkPurpose) -> Result<HttpResponse, Problem> {
        let mut fields = Fields::new();
        let email = fields.parse("email", &self.email, Email::parse);
        let email = fields.finish(email)?;
        state.services.mailed_links.request(&email, purpose).await?;
        let message = "If the address has an account, a mail is on its way";
        Ok(HttpResponse::Accepted().json(Message { message }))
    }
}

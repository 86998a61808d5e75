use actix_web::HttpResponse;
use tenantry_identity::LinkPurpose;

use crate::{
    auth::{mail_request::MailRequest, view::Message},
    caller::State,
    fields::JsonBody,
    problem::Problem,
};

/// Ask for a mail with a link to choose a new password.
///
/// The answer is the same whether or not the address has an account. An address gets a few such mails an hour at most, and
/// each one replaces the link of the one before.
#[utoipa::path(post, path = "/auth/password/forgot", tag = "auth", security(()), request_body = MailRequest,
    responses((status = 202, description = "A mail is sent if the address has an account.", body = Message)))]
pub(crate) async fn handler(state: State, JsonBody(body): JsonBody<MailRequest>) -> Result<HttpResponse, Problem> {
    body.ask(&state, LinkPurpose::ResetPassword).await
}

use actix_web::{HttpRequest, HttpResponse};
use uuid::Uuid;

use super::{attendance::Attendance, question::AskAdvisor, view::ReadingView};
use crate::{
    caller::{Caller, State},
    etag::Tagged,
    idempotency::{Creation, Creator},
    operations::API_PREFIX,
    problem::{Problem, failed_reading},
    scope::RequestScope,
};

/// Ask an advisor, and wait for the whole answer.
///
/// A reading that fails is kept, and answered as 502 or 504 with its `reading_id`. Sent again with the same
/// `Idempotency-Key`, the request is answered by the same reading.
#[utoipa::path(post, path = "/readings", tag = "readings", request_body = AskAdvisor,
    security(("bearer" = []), ("api_key" = ["readings:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes sending the request again safe")),
    responses((status = 201, description = "The reading, completed or cancelled.", body = ReadingView)))]
pub(crate) async fn handler(
    request: HttpRequest,
    scope: RequestScope,
    caller: Caller,
    state: State,
    creation: Creation<AskAdvisor>,
) -> Result<HttpResponse, Problem> {
    let ask = async |body: AskAdvisor, reserved: Option<Uuid>| {
        let reading = state.services.readings.ask(&caller.context, body.parse(reserved)?).await?;
        // It has a time limit of its own.
        scope.set_takes_its_time();
        let reading = Attendance::of(&request, &state, &caller.context).wait(reading).await?;
        if let Some(problem) = failed_reading(&reading) {
            return Err(problem);
        }
        let location = format!("{API_PREFIX}/readings/{}", reading.id);
        Ok(Tagged::created(reading.revision, location, ReadingView::from(reading)))
    };
    creation.once(&state, &Creator::within(&caller), ask).await
}

use std::time::Duration;

use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_ENCODING, ContentEncoding},
    web::Bytes,
};
use futures_util::{Stream, stream};
use tenantry_sync::RunId;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::view::StatusView;
use crate::{
    caller::{Caller, State},
    fields::PathId,
    problem::Problem,
};

/// How often the job is looked at.
const INTERVAL: Duration = Duration::from_millis(250);

/// How long nothing is sent at most, so that neither side takes the other for gone.
const SILENCE: Duration = Duration::from_secs(15);

/// How long a stream lasts: whoever wants more asks again, with credentials that are then looked at again.
const LONGEST: Duration = Duration::from_mins(10);

/// Follow a job.
///
/// Server-sent events: `progress` with what `GET /uploads/status/{job_id}` answers, now and at each change, at most
/// four times a second; `done` with the same at the end. A stream ends after ten minutes at the latest; whoever comes
/// back gets the job as it is then.
#[utoipa::path(get, path = "/uploads/{job_id}/events", tag = "uploads",
    security(("bearer" = []), ("api_key" = ["sync:read"])),
    params(("job_id" = Uuid, Path, description = "The job")),
    responses((status = 200, description = "The events.", body = String, content_type = "text/event-stream")))]
pub(crate) async fn handler(caller: Caller, state: State, PathId(id): PathId<Uuid>) -> Result<HttpResponse, Problem> {
    let id = RunId::from_uuid(id);
    let first = StatusView::from(state.services.uploads.status(&caller.context, id).await?);
    let follower = Follower { caller, state, id, shown: None, next: Some(first), started: Instant::now() };
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        // Compression would hold events back.
        .insert_header((CONTENT_ENCODING, ContentEncoding::Identity))
        .streaming(events(follower)))
}

struct Follower {
    caller: Caller,
    state: State,
    id: RunId,
    shown: Option<StatusView>,
    next: Option<StatusView>,
    started: Instant,
}

fn events(follower: Follower) -> impl Stream<Item = Result<Bytes, Problem>> {
    stream::unfold(Some(follower), async |follower| {
        let mut follower = follower?;
        let (event, goes_on) = follower.next_event().await?;
        Some((Ok(event), goes_on.then_some(follower)))
    })
}

impl Follower {
    /// The next event, and whether others follow; none where the stream is to end.
    async fn next_event(&mut self) -> Option<(Bytes, bool)> {
        if let Some(first) = self.next.take() {
            return Some(self.show(first));
        }
        let silent_since = Instant::now();
        loop {
            sleep(INTERVAL).await;
            if self.started.elapsed() > LONGEST || !self.state.readiness.is_ready() {
                return None;
            }
            // Whatever is wrong now, the client learns when it comes back.
            let run = self.state.services.uploads.status(&self.caller.context, self.id).await.ok()?;
            let status = StatusView::from(run);
            if self.shown.as_ref() != Some(&status) {
                return Some(self.show(status));
            }
            if silent_since.elapsed() > SILENCE {
                return Some((Bytes::from_static(b": still here\n\n"), true));
            }
        }
    }

    fn show(&mut self, status: StatusView) -> (Bytes, bool) {
        let goes_on = matches!(status.status, "queued" | "started");
        let name = if goes_on { "progress" } else { "done" };
        let data = serde_json::to_string(&status).unwrap_or_default();
        self.shown = Some(status);
        (Bytes::from(format!("event: {name}\ndata: {data}\n\n")), goes_on)
    }
}

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web::Bytes};
use futures_util::{Stream, stream};
use tenantry_sync::RunId;
use tenantry_tenancy::TenantContext;
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};
use uuid::Uuid;

use super::{followers::Seat, view::StatusView};
use crate::{
    caller::{Caller, Pass, State},
    event_streams::{self, CHECKS, GLANCE, KEEP_ALIVE, SILENCE},
    fields::PathId,
    problem::Problem,
};

/// How long a stream lasts: whoever wants more asks again, with credentials that are then looked at again.
const LONGEST: Duration = Duration::from_mins(10);

/// Follow a job.
///
/// Server-sent events: `progress` with what `GET /uploads/status/{job_id}` answers, now and at each change, at most
/// four times a second; `done` with the same at the end. A stream ends after ten minutes at the latest, and when the
/// credentials do; whoever comes back gets the job as it is then. An organization has a
/// limited number of streams, and so has each of its members.
#[utoipa::path(get, path = "/uploads/{job_id}/events", tag = "uploads",
    security(("bearer" = []), ("api_key" = ["sync:read"])),
    params(("job_id" = Uuid, Path, description = "The job")),
    responses((status = 200, description = "The events.", body = String, content_type = "text/event-stream")))]
pub(crate) async fn handler(
    request: HttpRequest,
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
) -> Result<HttpResponse, Problem> {
    let (pass, user_id) = (Pass::of(&request, &caller)?, caller.user_id());
    let (context, id) = (caller.context, RunId::from_uuid(id));
    let first = StatusView::from(state.services.uploads.status(&context, id).await?);
    let place = state.event_streams.take(context.organization_id(), user_id)?;
    let seat = state.event_streams.jobs().join(place, id);
    let (now, seen) = (Instant::now(), seat.job().follow());
    let (ends_at, checks_at) = (now + LONGEST, now + CHECKS);
    let follower =
        Follower { pass, context, state, id, seat, seen, shown: None, next: Some(first), ends_at, checks_at };
    Ok(event_streams::respond(events(follower)))
}

struct Follower {
    pass: Pass,
    context: TenantContext,
    state: State,
    id: RunId,
    seat: Seat,
    seen: watch::Receiver<Option<StatusView>>,
    shown: Option<StatusView>,
    next: Option<StatusView>,
    ends_at: Instant,
    checks_at: Instant,
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
        let silent_until = Instant::now() + SILENCE;
        while self.state.readiness.is_ready() {
            let (state, context, id) = (&self.state, &self.context, self.id);
            let ask = async || state.services.uploads.status(context, id).await.map(StatusView::from);
            tokio::select! {
                // Whatever is wrong now, the client learns when it comes back.
                looked = self.seat.job().look(ask) => looked.ok()?,
                changed = self.seen.changed() => changed.ok()?,
                () = sleep_until(self.checks_at) => self.check().await?,
                () = sleep_until(self.ends_at) => return None,
                () = sleep(GLANCE) => {}
                () = sleep_until(silent_until) => return Some((KEEP_ALIVE, true)),
            }
            let seen = self.seen.borrow_and_update().clone();
            if let Some(status) = seen.filter(|seen| self.shown.as_ref() != Some(seen)) {
                return Some(self.show(status));
            }
        }
        None
    }

    /// Goes on as the follower may act now; none who may not any more.
    async fn check(&mut self) -> Option<()> {
        self.checks_at = Instant::now() + CHECKS;
        self.context = self.pass.admit(&self.state).await.ok()?;
        Some(())
    }

    fn show(&mut self, status: StatusView) -> (Bytes, bool) {
        let goes_on = matches!(status.status, "queued" | "started");
        let name = if goes_on { "progress" } else { "done" };
        let data = serde_json::to_string(&status).unwrap_or_default();
        self.shown = Some(status);
        (Bytes::from(format!("event: {name}\ndata: {data}\n\n")), goes_on)
    }
}

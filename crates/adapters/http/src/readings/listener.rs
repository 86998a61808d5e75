use std::pin::pin;

use actix_web::{HttpRequest, http::header::HeaderName, web::Bytes};
use futures_util::{Stream, stream};
use tenantry_readings::{Follower, FrameEvent, Sequence};
use tokio::time::{Instant, sleep, sleep_until};

use super::{attendance::Attendance, events};
use crate::{
    caller::{Caller, Pass, State},
    event_streams::{CHECKS, GLANCE, KEEP_ALIVE, Place, SILENCE},
    problem::{ErrorCode, Problem},
};

/// Where a client that comes back was.
static LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Somebody who is sent a reading as it comes.
pub(super) struct Listener {
    pub(super) pass: Pass,
    pub(super) attendance: Attendance,
    follower: Follower,
    checks_at: Instant,
    _place: Place,
}

/// The place behind which a client wants to go on: the beginning, where it does not say.
pub(super) fn last_event(request: &HttpRequest) -> Result<Sequence, Problem> {
    let Some(value) = request.headers().get(&LAST_EVENT_ID) else { return Ok(Sequence::START) };
    let digits = value.to_str().ok().filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()));
    let place = digits.and_then(|digits| digits.parse().ok()).map(Sequence::from_number);
    place.ok_or_else(|| {
        Problem::new(ErrorCode::MalformedRequest).with_detail("the header last-event-id is not the id of an event")
    })
}

impl Listener {
    /// Whoever sent `request`, in this place.
    pub(super) fn new(
        request: &HttpRequest,
        caller: &Caller,
        state: &State,
        follower: Follower,
        place: Place,
    ) -> Result<Self, Problem> {
        Ok(Self {
            pass: Pass::of(request, caller)?,
            attendance: Attendance::of(request, state, &caller.context),
            follower,
            // At once, to say that somebody listens.
            checks_at: Instant::now(),
            _place: place,
        })
    }

    /// The events, up to the last one, or until whoever listens may not any more or has gone.
    pub(super) fn events(self) -> impl Stream<Item = Result<Bytes, Problem>> {
        stream::unfold(Some(self), async |listener| {
            let mut listener = listener?;
            let (event, goes_on) = listener.next_event().await?;
            Some((Ok(event), goes_on.then_some(listener)))
        })
    }

    /// The next event, and whether others follow; none where the stream is to end. Whatever is wrong then, the client
    /// learns when it comes back.
    async fn next_event(&mut self) -> Option<(Bytes, bool)> {
        let Self { pass, attendance, follower, checks_at, .. } = self;
        let (id, has_to_be_heard) = (follower.reading_id(), follower.has_to_be_heard());
        follower.go_on_as(attendance.context.clone());
        let mut next = pin!(follower.next());
        let silent_until = Instant::now() + SILENCE;
        while attendance.state.readiness.is_ready() && !attendance.has_ended() {
            tokio::select! {
                biased;
                () = sleep_until(*checks_at) => {
                    *checks_at = Instant::now() + CHECKS;
                    attendance.context = pass.admit(&attendance.state).await.ok()?;
                    if has_to_be_heard {
                        attendance.hear(id).await;
                    }
                }
                frame = &mut next => {
                    let frame = frame.ok()??;
                    let is_last = matches!(frame.event, FrameEvent::Over(_));
                    return Some((events::bytes(frame), !is_last));
                }
                () = sleep_until(silent_until) => return Some((KEEP_ALIVE, true)),
                () = sleep(GLANCE) => {}
            }
        }
        None
    }
}

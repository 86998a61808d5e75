use std::{convert::Infallible, future::pending};

use actix_web::HttpRequest;
use chrono::TimeDelta;
use tenantry_readings::{Reading, ReadingId};
use tenantry_tenancy::TenantContext;
use tokio::time::sleep;

use crate::{
    caller::State,
    connection::Turn,
    event_streams::{CHECKS, SILENCE},
    problem::{ErrorCode, Problem},
};

/// How long after its time an answer is still waited for: whoever looks after readings ends it by then.
const LATENESS: TimeDelta = TimeDelta::seconds(30);

/// Somebody who listens to a reading, for as long as they are there.
pub(super) struct Attendance {
    turn: Option<Turn>,
    pub(super) state: State,
    pub(super) context: TenantContext,
}

impl Attendance {
    /// Whoever sent `request`.
    pub(super) fn of(request: &HttpRequest, state: &State, context: &TenantContext) -> Self {
        Self { turn: request.conn_data::<Turn>().cloned(), state: state.clone(), context: context.clone() }
    }

    /// Whether they have closed their connection.
    pub(super) fn has_ended(&self) -> bool {
        self.turn.as_ref().is_some_and(Turn::has_hung_up)
    }

    /// Says that they listen.
    pub(super) async fn hear(&self, id: ReadingId) {
        if let Err(error) = self.state.services.readings.hear(&self.context, id, SILENCE).await {
            tracing::warn!(%error, "it could not be said that somebody listens to a reading");
        }
    }

    /// Waits until a reading is over.
    pub(super) async fn wait(&self, reading: Reading) -> Result<Reading, Problem> {
        if reading.status.is_over() {
            return Ok(reading);
        }
        tokio::select! {
            reading = self.state.services.readings.wait(&self.context, reading.id) => Ok(reading?),
            never = self.listen(&reading) => match never {},
            () = sleep((reading.deadline + LATENESS - self.state.clock.now()).to_std().unwrap_or_default()) => {
                // Nobody works. Whoever asks again gets the same reading.
                Err(Problem::new(ErrorCode::Timeout).with_extension("reading_id", reading.id.to_string()))
            }
        }
    }

    async fn listen(&self, reading: &Reading) -> Infallible {
        while reading.has_to_be_heard() && !self.has_ended() {
            self.hear(reading.id).await;
            sleep(CHECKS).await;
        }
        pending().await
    }
}

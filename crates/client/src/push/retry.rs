//! When something is tried again.

use std::future::Future;
use std::time::Duration;

use tokio::time::sleep;

use super::Context;
use crate::api::ApiError;

/// The longest wait that nobody asked for.
const LONGEST: Duration = Duration::from_secs(30);

/// The longest wait that a server or store may ask for.
pub(super) const LONGEST_ASKED: Duration = Duration::from_mins(5);

/// How often somebody may ask for patience over one thing before that counts as a failure.
const PATIENCE: u16 = 50;

/// How often something was tried in vain.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tries {
    failures: u16,
    waits: u16,
    /// Tries on top of those that files have.
    more: u16,
}

impl Tries {
    /// It failed. How long to wait before the next try, if there is to be one.
    pub fn failed(&mut self, context: &Context) -> Option<Duration> {
        self.failures = self.failures.saturating_add(1);
        (self.failures <= context.options.retries.saturating_add(self.more)).then(|| backoff(context, self.failures))
    }

    /// Somebody asked for patience, which is no failure for a long while.
    pub fn throttled(&mut self, context: &Context, asked: Option<Duration>) -> Option<Duration> {
        self.waits = self.waits.saturating_add(1);
        let wait = backoff(context, self.waits).max(asked.unwrap_or_default().min(LONGEST_ASKED));
        (self.waits <= PATIENCE).then_some(wait)
    }
}

/// Twice as long each time, half to one and a half of it.
fn backoff(context: &Context, times: u16) -> Duration {
    let doublings = u32::from(times.saturating_sub(1)).min(16);
    let wait = context.options.first_retry.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST);
    let spread = context.clock.now().timestamp_subsec_micros() % 1_000;
    wait / 2 + wait.saturating_mul(spread) / 1_000
}

/// How much more often the server is asked than a file is tried, since nothing goes on without it.
const MORE_OFTEN: u16 = 3;

/// Asks the server, and again where that may help.
pub(super) async fn ask<T, F: Future<Output = Result<T, ApiError>>>(
    context: &Context,
    question: impl Fn() -> F,
) -> Result<T, ApiError> {
    let mut tries = Tries { more: MORE_OFTEN, ..Tries::default() };
    loop {
        let error = match question().await {
            Ok(answer) => return Ok(answer),
            Err(error) if error.is_transient() => error,
            Err(error) => return Err(error),
        };
        let wait = if error.asks_for_patience() {
            tries.throttled(context, error.retry_after())
        } else {
            tries.failed(context)
        };
        let Some(wait) = wait else { return Err(error) };
        sleep(wait).await;
    }
}

use std::pin::Pin;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tenantry_kernel::IdGenerator;
use tenantry_readings::{Answer, AnswerEvent, Commission, Draft, Prompt, Provider, ProviderError, Providers, Route};
use tokio::time::{Instant, sleep, timeout_at};

use crate::GenerationOptions;
use crate::breaker::Breaker;

/// The most retries that are saved up.
const MOST_RETRIES: f64 = 10.0;

/// How much of a retry each first call pays for: at most a tenth of the calls are made again.
const RETRIES_PER_CALL: f64 = 0.1;

/// The rest of an answer, and what comes next of it once that is known.
pub(crate) type NextEvent =
    Pin<Box<dyn Future<Output = (Box<dyn Answer>, Result<Option<AnswerEvent>, ProviderError>)> + Send>>;

/// What comes next of an answer. The future may be kept while something else happens first.
pub(crate) fn next_of(mut answer: Box<dyn Answer>) -> NextEvent {
    Box::pin(async move {
        let event = answer.next().await;
        (answer, event)
    })
}

/// An answer whose first event has come.
pub(crate) struct Opened {
    pub(crate) answer: Box<dyn Answer>,
    /// None if it was complete at once.
    pub(crate) first: Option<AnswerEvent>,
}

/// Asks providers: the models of an advisor in their order, each a few times, until one begins to answer.
pub(crate) struct Asking {
    breaker: Breaker,
    retries: Mutex<f64>,
}

impl Asking {
    pub(crate) fn new(options: &GenerationOptions) -> Self {
        let breaker = Breaker::new(options.breaker_failures, options.breaker_rest);
        Self { breaker, retries: Mutex::new(MOST_RETRIES) }
    }

    /// Waits for the first event of an answer. The draft knows afterwards who was asked last.
    pub(crate) async fn open(
        &self,
        providers: &dyn Providers,
        commission: &Commission,
        options: &GenerationOptions,
        ids: &dyn IdGenerator,
        (draft, deadline): (&mut Draft, Instant),
    ) -> Result<Opened, ProviderError> {
        let prompt = commission.prompt(options.max_completion_tokens);
        let mut failure = ProviderError::Unreachable;
        for route in &commission.manner.routes {
            let Some(provider) = providers.of(route) else { continue };
            let mut wait = options.first_wait;
            for attempt in 1..=options.attempts.max(1) {
                if !self.breaker.admits(route) {
                    break;
                }
                draft.ask(route.clone());
                match self.ask_once(provider, route, &prompt, (options, deadline)).await {
                    Ok(opened) => return Ok(opened),
                    Err(error) => failure = error,
                }
                let pause = failure.retry_after().unwrap_or_else(|| shortened(wait, ids));
                let is_too_long = pause > options.longest_wait || Instant::now() + pause >= deadline;
                let is_last = attempt == options.attempts.max(1);
                if is_last || !failure.may_pass() || is_too_long || !self.may_retry() {
                    break;
                }
                sleep(pause).await;
                wait = wait.saturating_mul(2).min(options.longest_wait);
            }
            if Instant::now() >= deadline {
                break;
            }
        }
        Err(failure)
    }

    /// The model of an answer was well to the end, or not.
    pub(crate) fn report(&self, route: &Route, is_well: bool) {
        if is_well { self.breaker.succeeded(route) } else { self.breaker.failed(route) }
    }

    async fn ask_once(
        &self,
        provider: &dyn Provider,
        route: &Route,
        prompt: &Prompt,
        (options, deadline): (&GenerationOptions, Instant),
    ) -> Result<Opened, ProviderError> {
        let first_by = deadline.min(Instant::now() + options.first_piece);
        let opening = async {
            let mut answer = provider.ask(&route.model, prompt).await?;
            let first = answer.next().await?;
            Ok(Opened { answer, first })
        };
        let opened = timeout_at(first_by, opening).await.unwrap_or(Err(ProviderError::TimedOut));
        if let Err(error) = &opened {
            tracing::warn!(provider = %route.provider, model = %route.model, %error, "a provider did not answer");
            // That a request is refused says nothing about the model.
            if error.may_pass() {
                self.breaker.failed(route);
            }
        } else {
            let mut retries = self.retries.lock().unwrap_or_else(PoisonError::into_inner);
            *retries = (*retries + RETRIES_PER_CALL).min(MOST_RETRIES);
        }
        opened
    }

    fn may_retry(&self) -> bool {
        let mut retries = self.retries.lock().unwrap_or_else(PoisonError::into_inner);
        let may = *retries >= 1.0;
        if may {
            *retries -= 1.0;
        }
        may
    }
}

/// Up to a half shorter, by chance: those who failed together don't come back together.
fn shortened(wait: Duration, ids: &dyn IdGenerator) -> Duration {
    let [.., chance] = ids.next_id().into_bytes();
    wait.mul_f64(1.0 - f64::from(chance) / 512.0)
}

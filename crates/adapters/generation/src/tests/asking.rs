//! Who is asked, how often, and when somebody else is.

use std::time::Duration;

use tenantry_kernel::SystemIds;
use tenantry_readings::{Draft, ProviderError};
use tokio::time::Instant;

use super::support::{Act, Stage, commission, route, text};
use crate::GenerationOptions;
use crate::asking::{Asking, Opened};

struct Trial {
    asking: Asking,
    stage: Stage,
    options: GenerationOptions,
}

impl Trial {
    fn of<const N: usize>(actors: [(&str, Vec<Act>); N]) -> Self {
        let options = GenerationOptions::default();
        Self { asking: Asking::new(&options), stage: Stage::of(actors), options }
    }

    async fn open(&self, providers: &[&str]) -> (Result<Opened, ProviderError>, Draft) {
        let (commission, mut draft) = (commission(providers), Draft::new());
        let deadline = Instant::now() + self.options.total;
        let opened =
            self.asking.open(&self.stage, &commission, &self.options, &SystemIds, (&mut draft, deadline)).await;
        (opened, draft)
    }
}

fn well() -> Act {
    Act::Say(Duration::from_millis(10), vec![text("left")])
}

fn throttled(seconds: u64) -> Act {
    Act::Fail(ProviderError::Throttled { retry_after: Some(Duration::from_secs(seconds)) })
}

fn down() -> Act {
    Act::Fail(ProviderError::Unavailable { status: 503, retry_after: None })
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_asks_for_patience_gets_it() {
    let trial = Trial::of([("a", vec![throttled(3), well()])]);
    let began = Instant::now();
    let (opened, draft) = trial.open(&["a"]).await;
    assert_eq!(opened.unwrap().first, Some(text("left")));
    assert!(began.elapsed() >= Duration::from_secs(3));
    assert_eq!(draft.route(), Some(&route("a")));
}

#[tokio::test(start_paused = true)]
async fn one_that_asks_for_too_much_is_passed_over() {
    let trial = Trial::of([("a", vec![throttled(3_600)]), ("b", vec![well()])]);
    let began = Instant::now();
    let (opened, draft) = trial.open(&["a", "b"]).await;
    assert!(opened.is_ok());
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(draft.route(), Some(&route("b")));
}

#[tokio::test(start_paused = true)]
async fn the_next_is_asked_after_the_attempts_are_used_up() {
    let trial = Trial::of([("a", vec![down(), down()]), ("b", vec![well()])]);
    assert!(trial.open(&["a", "b"]).await.0.is_ok());
    assert_eq!((trial.stage.calls("a"), trial.stage.calls("b")), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_is_not_sent_again_to_the_same_provider() {
    let refused = Act::Fail(ProviderError::Refused { status: 400 });
    let trial = Trial::of([("a", vec![refused])]);
    assert_eq!(trial.open(&["a"]).await.0.err(), Some(ProviderError::Refused { status: 400 }));
    assert_eq!(trial.stage.calls("a"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_silent_provider_is_left_after_a_while() {
    let trial = Trial::of([("a", vec![Act::Hang, Act::Hang]), ("b", vec![well()])]);
    let began = Instant::now();
    assert!(trial.open(&["a", "b"]).await.0.is_ok());
    assert!(began.elapsed() >= trial.options.first_piece * 2);
    assert!(began.elapsed() < trial.options.first_piece * 2 + Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_holds_for_all_attempts_together() {
    let acts = || vec![Act::Hang, Act::Hang];
    let mut trial = Trial::of([("a", acts()), ("b", acts())]);
    trial.options.total = Duration::from_secs(20);
    let began = Instant::now();
    assert_eq!(trial.open(&["a", "b"]).await.0.err(), Some(ProviderError::TimedOut));
    assert!(began.elapsed() <= Duration::from_secs(21));
}

#[tokio::test(start_paused = true)]
async fn a_model_that_fails_again_and_again_is_left_alone_until_one_call_finds_it_well() {
    let acts = (0..5).map(|_| down()).chain([down(), well()]).collect();
    let mut trial = Trial::of([("a", acts)]);
    trial.options.attempts = 1;
    for _ in 0..5 {
        assert!(trial.open(&["a"]).await.0.is_err());
    }
    assert!(trial.open(&["a"]).await.0.is_err());
    assert_eq!(trial.stage.calls("a"), 5, "it rests");
    tokio::time::sleep(trial.options.breaker_rest).await;
    assert!(trial.open(&["a"]).await.0.is_err());
    assert_eq!(trial.stage.calls("a"), 6, "one call found out that it is not well yet");
    assert!(trial.open(&["a"]).await.0.is_err());
    assert_eq!(trial.stage.calls("a"), 6);
    tokio::time::sleep(trial.options.breaker_rest).await;
    assert!(trial.open(&["a"]).await.0.is_ok());
}

#[tokio::test(start_paused = true)]
async fn retries_are_a_tenth_of_all_calls_in_the_long_run() {
    let mut trial = Trial::of([("a", (0..1_000).map(|_| down()).collect())]);
    trial.options.breaker_failures = u32::MAX;
    trial.asking = Asking::new(&trial.options);
    for _ in 0..100 {
        assert!(trial.open(&["a"]).await.0.is_err());
    }
    assert_eq!(trial.stage.calls("a"), 110, "those saved up are used, and none is earned by failures");
}

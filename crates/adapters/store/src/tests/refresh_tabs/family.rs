//! The refresh tokens of one session, as those know them who present them.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use futures_util::future::join_all;
use tenantry_application::{SignInError, SignedInUser};
use tenantry_identity::{AuthenticationError as Refusal, Client};
use tenantry_kernel::Clock as _;
use tenantry_testkit::FixedClock;

use crate::tests::sign_in_desk::{LIMITS, SignInDesk};

pub struct Family<'d> {
    desk: &'d SignInDesk,
    clock: &'d FixedClock,
    access_token: String,
    /// When each token was first exchanged, and for what.
    exchanged: HashMap<String, (DateTime<Utc>, String)>,
    has_ended: bool,
}

impl<'d> Family<'d> {
    pub fn new(desk: &'d SignInDesk, clock: &'d FixedClock, access_token: String) -> Self {
        Self { desk, clock, access_token, exchanged: HashMap::new(), has_ended: false }
    }

    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    pub fn wait(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// What the token is exchanged for, unless its session ends or has ended.
    pub async fn present(&mut self, token: &str) -> Option<String> {
        self.present_at_once(token, 1).await
    }

    /// The same when so many present the token at once: all get the same, and a thief is caught once.
    pub async fn present_at_once(&mut self, token: &str, times: usize) -> Option<String> {
        let is_caught = self.is_stale(token) && !self.has_ended;
        let requests = (0..times).map(|_| self.desk.service.refresh(token, Client::default()));
        let answers = join_all(requests).await;
        let caught = answers.iter().filter(|answer| matches!(refusal(answer), Some(Refusal::RefreshTokenReused)));
        assert_eq!(caught.count(), usize::from(is_caught), "who presented {token} and was taken for a thief");
        self.has_ended |= is_caught;
        let mut answers = answers.into_iter().map(|answer| self.read(token, answer));
        let first = answers.next().flatten();
        let others: Vec<_> = answers.collect();
        assert!(others.iter().all(|answer| *answer == first), "{first:?} and {others:?}");
        first
    }

    fn read(&mut self, token: &str, answer: Result<SignedInUser, SignInError>) -> Option<String> {
        if self.has_ended {
            let refused = refusal(&answer);
            let is_refused = matches!(refused, Some(Refusal::RefreshTokenInvalid | Refusal::RefreshTokenReused));
            assert!(is_refused, "{token} is good for nothing, but {refused:?}");
            return None;
        }
        let signed_in = answer.unwrap_or_else(|error| panic!("{token}: {error}"));
        let successor = signed_in.tokens.refresh_token;
        let exchange = self.exchanged.entry(token.to_owned());
        let (_, first) = exchange.or_insert_with(|| (self.clock.now(), successor.clone()));
        assert_eq!(*first, successor, "{token} was exchanged for another one before");
        self.access_token = signed_in.tokens.access_token;
        Some(successor)
    }

    /// Whether the token was replaced longer ago than the grace period, and its successor was used.
    fn is_stale(&self, token: &str) -> bool {
        let Some((replaced_at, successor)) = self.exchanged.get(token) else { return false };
        self.clock.now() - *replaced_at > LIMITS.refresh_grace.0 && self.exchanged.contains_key(successor)
    }

    /// Fails unless these tokens, and the last access token, are good for nothing any more.
    pub async fn check_ended(&self, tokens: impl Iterator<Item = &String>) {
        assert!(self.has_ended, "nobody was caught");
        for token in tokens {
            let refused = self.desk.service.refresh(token, Client::default()).await;
            assert!(matches!(refusal(&refused), Some(Refusal::RefreshTokenInvalid)), "{token}: {refused:?}");
        }
        let refused = self.desk.authenticator.by_access_token(&self.access_token).await;
        assert!(matches!(refused, Err(Refusal::SessionRevoked)), "{refused:?}");
    }
}

/// Why nobody was let in.
fn refusal(answer: &Result<SignedInUser, SignInError>) -> Option<&Refusal> {
    match answer {
        Err(SignInError::Authentication(refusal)) => Some(refusal),
        _ => None,
    }
}

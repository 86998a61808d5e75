use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;

/// What requests are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RateRule {
    /// The network address that they come from.
    Address,
    /// The same, for attempts to sign in and the like.
    SignIn,
    /// The network address that bytes of files come from: these requests are counted by nothing else.
    Upload,
    /// The user who sends them.
    User,
    /// The organisation that they work in.
    Organization,
    /// The organisation whose members ask advisors.
    Questions,
    /// The same, by the tokens that answers may take.
    Tokens,
}

impl RateRule {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Address, Self::SignIn, Self::Upload, Self::User, Self::Organization, Self::Questions, Self::Tokens];

    /// The name that clients see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::SignIn => "sign-in",
            Self::Upload => "upload",
            Self::User => "user",
            Self::Organization => "organization",
            Self::Questions => "questions",
            Self::Tokens => "tokens",
        }
    }
}

/// Whose requests a rule counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RateKey {
    /// The rule.
    pub rule: RateRule,
    /// The address, user or organisation.
    pub subject: u128,
}

/// How many units each rule allows within a minute; `None` for any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RateQuotas {
    /// [`RateRule::Address`].
    pub address: Option<NonZeroU32>,
    /// [`RateRule::SignIn`].
    pub sign_in: Option<NonZeroU32>,
    /// [`RateRule::Upload`].
    pub upload: Option<NonZeroU32>,
    /// [`RateRule::User`].
    pub user: Option<NonZeroU32>,
    /// [`RateRule::Organization`].
    pub organization: Option<NonZeroU32>,
    /// [`RateRule::Questions`].
    pub questions: Option<NonZeroU32>,
    /// [`RateRule::Tokens`].
    pub tokens: Option<NonZeroU32>,
}

impl RateQuotas {
    /// The rule's quota.
    #[must_use]
    pub fn of(&self, rule: RateRule) -> Option<NonZeroU32> {
        match rule {
            RateRule::Address => self.address,
            RateRule::SignIn => self.sign_in,
            RateRule::Upload => self.upload,
            RateRule::User => self.user,
            RateRule::Organization => self.organization,
            RateRule::Questions => self.questions,
            RateRule::Tokens => self.tokens,
        }
    }
}

/// Where a rule stands after it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateState {
    /// The rule.
    pub rule: RateRule,
    /// How many units it allows within a minute, and at once.
    pub quota: NonZeroU32,
    /// How many are left now.
    pub remaining: u32,
    /// When the request may be tried again, if it was refused.
    pub retry_after: Option<Duration>,
}

impl RateState {
    /// How long it takes until nothing is used up any more, when nothing more is asked for.
    #[must_use]
    pub fn until_full(&self) -> Duration {
        let used = self.quota.get().saturating_sub(self.remaining);
        Duration::from_mins(1).mul_f64(f64::from(used) / f64::from(self.quota.get()))
    }

    /// The one of two that leaves less room.
    #[must_use]
    pub fn tighter(self, other: Self) -> Self {
        let room = |state: &Self| u64::from(state.remaining) * u64::from(other.quota.get());
        let of_other = u64::from(other.remaining) * u64::from(self.quota.get());
        if self.retry_after.is_some() || (other.retry_after.is_none() && room(&self) <= of_other) {
            self
        } else {
            other
        }
    }
}

/// Counts requests, and tells which are too many.
///
/// The generic cell rate algorithm (as in ITU-T I.371): a quota of units may be used at once, and comes back evenly
/// within a minute.
#[async_trait]
pub trait RateLimits: Send + Sync {
    /// Takes `cost` units by each of the keys in turn, until one refuses; answers how the tightest of them stands, or
    /// nothing where no rule has a quota. A cost above a quota counts as all of it.
    async fn take(&self, keys: &[RateKey], cost: NonZeroU32) -> Option<RateState>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(quota: u32, remaining: u32) -> RateState {
        let quota = NonZeroU32::new(quota).unwrap();
        RateState { rule: RateRule::User, quota, remaining, retry_after: None }
    }

    #[test]
    fn the_tighter_is_the_one_with_the_smaller_share_left() {
        assert_eq!(state(10, 5).tighter(state(1_000, 900)), state(10, 5));
        assert_eq!(state(1_000, 400).tighter(state(10, 5)), state(1_000, 400));
        let refused = RateState { retry_after: Some(Duration::from_secs(1)), ..state(10, 9) };
        assert_eq!(state(10, 1).tighter(refused), refused);
        assert_eq!(refused.tighter(state(10, 1)), refused);
    }

    #[test]
    fn what_is_used_comes_back_within_a_minute() {
        assert_eq!(state(60, 60).until_full(), Duration::ZERO);
        assert_eq!(state(60, 45).until_full(), Duration::from_secs(15));
    }
}

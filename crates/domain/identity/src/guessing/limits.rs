use chrono::Duration;

use super::BucketRule;

/// From a number of guesses on, how long one waits for the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitStep {
    /// The guess since which it holds, from 1.
    pub from_guess: u32,
    /// The wait after it.
    pub wait: Duration,
}

/// How many guesses there may be. Right ones don't count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuessLimits {
    /// At one account or name, until it is locked.
    pub per_subject: u32,
    /// At one account or name at the same time.
    pub at_once: u32,
    /// The waits, by rising numbers of guesses.
    pub waits: Vec<WaitStep>,
    /// How long an account or name is locked, and how long guesses are remembered.
    pub lock: Duration,
    /// From one address an hour, at whatever; `None` for any number.
    pub per_address_per_hour: Option<u32>,
    /// How long a device is known without a sign-in.
    pub device_lifetime: Duration,
}

impl GuessLimits {
    pub(super) fn of_subject(&self) -> BucketRule {
        BucketRule { guesses: self.per_subject, at_once: self.at_once, window: self.lock }
    }

    pub(super) fn of_address(&self) -> Option<BucketRule> {
        self.per_address_per_hour.map(|guesses| BucketRule { guesses, at_once: guesses, window: Duration::hours(1) })
    }

    /// How long one waits after that many wrong guesses.
    #[must_use]
    pub fn wait_after(&self, guesses: u32) -> Duration {
        if guesses >= self.per_subject {
            return self.lock;
        }
        let step = self.waits.iter().rev().find(|step| step.from_guess <= guesses);
        step.map_or_else(Duration::zero, |step| step.wait)
    }
}

impl Default for GuessLimits {
    /// Those of Kanidm, after NIST SP 800-63B, section 5.2.2.
    fn default() -> Self {
        let step = |from_guess, seconds| WaitStep { from_guess, wait: Duration::seconds(seconds) };
        Self {
            per_subject: 100,
            at_once: 16,
            waits: vec![step(1, 1), step(3, 3), step(9, 5), step(25, 10)],
            lock: Duration::days(1),
            per_address_per_hour: Some(100),
            device_lifetime: Duration::days(180),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn waits_grow_and_end_in_a_lock() {
        let limits = GuessLimits::default();
        let seconds: Vec<i64> =
            [1, 2, 3, 8, 9, 24, 25, 99, 100, 1_000].map(|guesses| limits.wait_after(guesses).num_seconds()).to_vec();
        assert_eq!(seconds, [1, 1, 3, 3, 5, 5, 10, 10, 86_400, 86_400]);
        let without = GuessLimits { waits: Vec::new(), ..limits };
        assert_eq!((without.wait_after(99), without.wait_after(100)), (Duration::zero(), Duration::days(1)));
    }

    proptest! {
        #[test]
        fn no_guess_waits_less_than_the_one_before(guesses in 0_u32..1_000) {
            let limits = GuessLimits::default();
            prop_assert!(limits.wait_after(guesses) <= limits.wait_after(guesses + 1));
        }
    }
}

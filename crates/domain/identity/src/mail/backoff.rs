use chrono::Duration;

/// How often a mail is tried, and how long after one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first failure; each further one doubles it.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
    /// How often it is tried at most.
    pub tries: u32,
}

impl Backoff {
    /// The wait after the failed attempt of this number, counted from 1; none after the last. It is shortened by up to a
    /// quarter, as `random` says, so that mails that failed together are not tried together again.
    #[must_use]
    pub fn after(&self, attempt: u32, random: u8) -> Option<Duration> {
        if attempt >= self.tries {
            return None;
        }
        let doublings = attempt.saturating_sub(1).min(30);
        let wait = self.first.checked_mul(1 << doublings).unwrap_or(self.longest).min(self.longest);
        Some(wait - wait / 1_024 * i32::from(random))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff { first: Duration::seconds(30), longest: Duration::hours(1), tries: 10 };

    #[test]
    fn waits_double_up_to_the_longest() {
        let waits: Vec<_> = (1..10).map(|attempt| BACKOFF.after(attempt, 0).unwrap().num_seconds()).collect();
        assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
    }

    #[test]
    fn the_last_failure_is_the_last() {
        assert_eq!(BACKOFF.after(10, 0), None);
        assert_eq!(BACKOFF.after(u32::MAX, 255), None);
        assert!(Backoff { tries: u32::MAX, ..BACKOFF }.after(1_000_000, 0).is_some());
    }

    #[test]
    fn chance_shortens_by_a_quarter_at_most() {
        let wait = BACKOFF.after(1, 255).unwrap();
        assert!(wait < Duration::seconds(30) && wait > Duration::milliseconds(22_400), "{wait}");
    }
}

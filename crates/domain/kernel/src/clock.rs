use chrono::{DateTime, Duration, Utc};

/// The time, injected so that tests can set it.
pub trait Clock: Send + Sync {
    /// The current time in UTC, cut to whole microseconds: the finest that both databases keep,
    /// so that a value read back equals the value stored.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now(&self) -> DateTime<Utc> {
        whole_microseconds(Utc::now())
    }
}

/// `time` without the part that is finer than a microsecond.
#[must_use]
pub fn whole_microseconds(time: DateTime<Utc>) -> DateTime<Utc> {
    time - Duration::nanoseconds(i64::from(time.timestamp_subsec_nanos() % 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_to_microseconds() {
        let fine = DateTime::from_timestamp(1_700_000_000, 123_456_789).unwrap_or_default();
        let cut = whole_microseconds(fine);
        assert_eq!(cut.timestamp_subsec_nanos(), 123_456_000);
        assert_eq!(whole_microseconds(cut), cut);
    }
}

use std::time::Duration;

use chrono::{DateTime, Utc};
use tenantry_kernel::IdGenerator;

/// Time cut into periods of equal length, the same on every node, so that the number of a period can name its job.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    seconds: i64,
}

impl Schedule {
    /// Periods of `interval`, cut to whole seconds, at least one.
    pub(crate) fn every(interval: Duration) -> Self {
        Self { seconds: i64::try_from(interval.as_secs()).unwrap_or(i64::MAX).max(1) }
    }

    /// The number of the period that `now` is in.
    pub(crate) fn period(self, now: DateTime<Utc>) -> i64 {
        now.timestamp().div_euclid(self.seconds)
    }

    /// How long it is from `now` until the next period.
    pub(crate) fn until_next(self, now: DateTime<Utc>) -> Duration {
        let left = self.seconds - now.timestamp().rem_euclid(self.seconds);
        Duration::from_secs(left.unsigned_abs())
            .saturating_sub(Duration::from_nanos(u64::from(now.timestamp_subsec_nanos())))
    }
}

/// A part of `most`, different each time and on each node, so that they don't all come at once.
pub(crate) fn jitter(ids: &dyn IdGenerator, most: Duration) -> Duration {
    // The last bytes of a UUIDv7 are random.
    let random = ids.next_id().as_bytes().last().copied().unwrap_or_default();
    most / 256 * u32::from(random)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64, nanoseconds: u32) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, nanoseconds).unwrap()
    }

    #[test]
    fn a_period_starts_where_the_one_before_ends() {
        let hourly = Schedule::every(Duration::from_hours(1));
        assert_eq!(hourly.period(at(7_199, 999_999_999)), 1);
        assert_eq!(hourly.period(at(7_200, 0)), 2);
        assert_eq!(hourly.until_next(at(7_200, 0)), Duration::from_hours(1));
        assert_eq!(hourly.until_next(at(7_199, 250_000_000)), Duration::from_millis(750));
    }

    #[test]
    fn no_interval_is_too_short_or_too_long() {
        assert_eq!(Schedule::every(Duration::ZERO).period(at(5, 0)), 5);
        let never = Schedule::every(Duration::MAX);
        assert_eq!(never.period(at(5, 0)), 0);
        assert!(never.until_next(at(5, 0)) > Duration::from_secs(1));
    }
}

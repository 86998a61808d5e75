//! The few numbers that a series of measurements is told by.

use std::time::Duration;

/// The median of some ratios; nothing for none.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// The median of some durations, in seconds.
pub fn median_seconds(durations: &[Duration]) -> Option<f64> {
    median(durations.iter().map(Duration::as_secs_f64))
}

/// The duration that `percent` of `durations` are below; nothing for none.
pub fn percentile(durations: &mut [Duration], percent: usize) -> Option<Duration> {
    durations.sort_unstable();
    let rank = (durations.len() * percent).div_ceil(100).saturating_sub(1);
    durations.get(rank).copied()
}

/// `count` as a number to calculate with; exact below 2³².
pub fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_99th_of_a_hundred() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([]), None);
        let mut durations: Vec<Duration> = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&mut durations, 99), Some(Duration::from_millis(99)));
        assert_eq!(percentile(&mut [], 99), None);
    }
}

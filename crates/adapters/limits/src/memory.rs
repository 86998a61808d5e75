use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use tenantry_application::{RateKey, RateLimits, RateQuotas, RateRule, RateState};

type Limiter = RateLimiter<u128, DashMapStateStore<u128>, DefaultClock, StateInformationMiddleware>;

/// After so many requests those are forgotten who have their whole quota again.
const REQUESTS_BETWEEN_SWEEPS: u32 = 1 << 16;

/// Counts requests in this process.
pub struct MemoryRateLimits {
    counters: Vec<Counter>,
    clock: DefaultClock,
    requests: AtomicU32,
}

struct Counter {
    rule: RateRule,
    quota: NonZeroU32,
    limiter: Limiter,
}

impl MemoryRateLimits {
    /// Counts by these quotas.
    #[must_use]
    pub fn new(quotas: &RateQuotas) -> Self {
        let clock = DefaultClock::default();
        let counter = |rule| {
            let quota = quotas.of(rule)?;
            let limiter = Limiter::new(Quota::per_minute(quota), DashMapStateStore::default(), clock.clone());
            Some(Counter { rule, quota, limiter })
        };
        Self {
            counters: RateRule::ALL.into_iter().filter_map(counter).collect(),
            clock: clock.clone(),
            requests: AtomicU32::new(0),
        }
    }

    pub(crate) fn take_now(&self, keys: &[RateKey], cost: NonZeroU32) -> Option<RateState> {
        self.sweep_now_and_then();
        let mut tightest: Option<RateState> = None;
        for key in keys {
            let Some(counter) = self.counters.iter().find(|counter| counter.rule == key.rule) else { continue };
            let state = counter.take(key.subject, cost, &self.clock);
            tightest = Some(tightest.map_or(state, |before| before.tighter(state)));
            if state.retry_after.is_some() {
                break;
            }
        }
        tightest
    }

    fn sweep_now_and_then(&self) {
        if self.requests.fetch_add(1, Ordering::Relaxed) % REQUESTS_BETWEEN_SWEEPS == REQUESTS_BETWEEN_SWEEPS - 1 {
            self.counters.iter().for_each(|counter| counter.limiter.retain_recent());
        }
    }
}

impl Counter {
    fn take(&self, subject: u128, cost: NonZeroU32, clock: &DefaultClock) -> RateState {
        let state = |remaining, retry_after| RateState { rule: self.rule, quota: self.quota, remaining, retry_after };
        match self.limiter.check_key_n(&subject, cost.min(self.quota)) {
            Ok(Ok(snapshot)) => state(snapshot.remaining_burst_capacity(), None),
            Ok(Err(refused)) => state(0, Some(refused.wait_time_from(clock.now()))),
            // It never is, since it is cut to the quota.
            Err(_above_the_quota) => state(0, Some(std::time::Duration::from_mins(1))),
        }
    }
}

#[async_trait]
impl RateLimits for MemoryRateLimits {
    async fn take(&self, keys: &[RateKey], cost: NonZeroU32) -> Option<RateState> {
        self.take_now(keys, cost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: NonZeroU32 = NonZeroU32::MIN;

    fn limits(user: u32, organization: u32) -> MemoryRateLimits {
        MemoryRateLimits::new(&RateQuotas {
            user: NonZeroU32::new(user),
            organization: NonZeroU32::new(organization),
            ..RateQuotas::default()
        })
    }

    fn key(rule: RateRule, subject: u128) -> RateKey {
        RateKey { rule, subject }
    }

    #[test]
    fn a_quota_is_used_up_and_each_subject_has_its_own() {
        let limits = limits(3, 0);
        let one = [key(RateRule::User, 1)];
        let left: Vec<_> = (0..3).map(|_| limits.take_now(&one, ONE).unwrap().remaining).collect();
        assert_eq!(left, [2, 1, 0]);
        let refused = limits.take_now(&one, ONE).unwrap();
        let wait = refused.retry_after.unwrap().as_secs_f64();
        assert!(wait > 15.0 && wait <= 20.0, "{wait}");
        assert_eq!(limits.take_now(&[key(RateRule::User, 2)], ONE).unwrap().remaining, 2);
    }

    #[test]
    fn the_tightest_rule_answers_and_a_refusal_takes_nothing_more() {
        let limits = limits(2, 100);
        let both = [key(RateRule::User, 1), key(RateRule::Organization, 1)];
        assert_eq!(limits.take_now(&both, ONE).unwrap().rule, RateRule::User);
        limits.take_now(&both, ONE);
        assert!(limits.take_now(&both, ONE).unwrap().retry_after.is_some());
        assert_eq!(limits.take_now(&both[1..], ONE).unwrap().remaining, 97);
    }

    #[test]
    fn a_rule_without_a_quota_allows_everything() {
        assert_eq!(limits(0, 0).take_now(&[key(RateRule::User, 1)], ONE), None);
    }

    #[test]
    fn a_cost_above_the_quota_is_all_of_it() {
        let limits = limits(3, 0);
        let state = limits.take_now(&[key(RateRule::User, 1)], NonZeroU32::new(10).unwrap()).unwrap();
        assert_eq!((state.remaining, state.retry_after), (0, None));
    }
}

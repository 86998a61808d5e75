//! How many requests are too many.

use std::num::NonZeroU32;
use std::sync::Arc;

use tenantry_application::{RateLimits, RateQuotas};
use tenantry_limits::{MemoryRateLimits, RedisRateLimits};

use crate::failure::Failure;
use crate::settings::Settings;

/// Counts in Redis where there is one, else in memory.
pub(super) fn rate_limits(settings: &Settings) -> Result<Arc<dyn RateLimits>, Failure> {
    let quotas = RateQuotas {
        questions: NonZeroU32::new(settings.readings.questions_per_minute_per_organization),
        tokens: NonZeroU32::new(settings.readings.tokens_per_minute_per_organization),
        ..settings.rate_limit.quotas()
    };
    Ok(match &settings.redis.url {
        Some(url) => Arc::new(RedisRateLimits::new(url, quotas).map_err(Failure::configuration)?),
        None => Arc::new(MemoryRateLimits::new(&quotas)),
    })
}

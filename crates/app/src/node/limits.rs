//! How many requests are too many.

use std::sync::Arc;

use tenantry_application::RateLimits;
use tenantry_limits::{MemoryRateLimits, RedisRateLimits};

use crate::failure::Failure;
use crate::settings::Settings;

/// Counts in Redis where there is one, else in memory.
pub(super) fn rate_limits(settings: &Settings) -> Result<Arc<dyn RateLimits>, Failure> {
    let quotas = settings.rate_limit.quotas();
    Ok(match &settings.redis.url {
        Some(url) => Arc::new(RedisRateLimits::new(url, quotas).map_err(Failure::configuration)?),
        None => Arc::new(MemoryRateLimits::new(&quotas)),
    })
}

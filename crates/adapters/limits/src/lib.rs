//! Counts requests.
//!
//! - [`MemoryRateLimits`]: each node by itself.
//! - [`RedisRateLimits`]: all nodes together; without its Redis, each by itself until that is back.

mod memory;
mod redis_limits;

pub use memory::MemoryRateLimits;
pub use redis_limits::{RedisLimitsError, RedisRateLimits};

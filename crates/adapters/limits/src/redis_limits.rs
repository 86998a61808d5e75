use std::num::NonZeroU32;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisError, Script};
use secrecy::{ExposeSecret, SecretString};
use tenantry_application::{RateKey, RateLimits, RateQuotas, RateState};

use crate::MemoryRateLimits;

/// How long a request waits for Redis before it is counted in memory.
const PATIENCE: Duration = Duration::from_millis(100);

/// How often it is said that Redis is away.
const WARNING_INTERVAL: Duration = Duration::from_secs(30);

/// Takes from each key in turn, until one refuses. A key holds when all its quota will be back, in microseconds of
/// Redis' own clock. Keys come with the microseconds of one unit and the quota; answers with what is left of each that
/// was asked, and with the microseconds to wait for the one that refused, or 0.
const TAKE: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local cost = tonumber(ARGV[1])
local answer = {}
for index, key in ipairs(KEYS) do
    local unit = tonumber(ARGV[index * 2])
    local quota = tonumber(ARGV[index * 2 + 1])
    local full_at = math.max(tonumber(redis.call('GET', key) or '0'), now)
    local after = full_at + unit * math.min(cost, quota)
    local wait = after - unit * quota - now
    if wait > 0 then
        answer[#answer + 1] = 0
        answer[#answer + 1] = math.ceil(wait)
        return answer
    end
    redis.call('SET', key, string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000) + 1)
    answer[#answer + 1] = math.floor((unit * quota - (after - now)) / unit)
    answer[#answer + 1] = 0
end
return answer
";

/// Redis can't be used.
#[derive(Debug, thiserror::Error)]
#[error("`redis.url` can't be used")]
pub struct RedisLimitsError(#[source] RedisError);

/// Counts requests in Redis, for all nodes that share it.
///
/// A request never waits long for it, nor fails for want of it: while it is away, each node counts by itself.
pub struct RedisRateLimits {
    connection: ConnectionManager,
    script: Script,
    quotas: RateQuotas,
    fallback: MemoryRateLimits,
    warned_at: Mutex<Option<Instant>>,
}

impl RedisRateLimits {
    /// Counts in the Redis at `url`, which is connected to when it is first asked, and again whenever it was lost.
    /// Call it within a tokio runtime.
    ///
    /// # Errors
    /// [`RedisLimitsError`] when the URL is none.
    pub fn new(url: &SecretString, quotas: RateQuotas) -> Result<Self, RedisLimitsError> {
        let client = Client::open(url.expose_secret()).map_err(RedisLimitsError)?;
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(PATIENCE))
            .set_connection_timeout(Some(Duration::from_secs(2)))
            .set_max_delay(Duration::from_secs(5));
        Ok(Self {
            connection: ConnectionManager::new_lazy_with_config(client, config).map_err(RedisLimitsError)?,
            script: Script::new(TAKE),
            quotas,
            fallback: MemoryRateLimits::new(&quotas),
            warned_at: Mutex::new(None),
        })
    }

    async fn ask(&self, keys: &[(RateKey, NonZeroU32)], cost: NonZeroU32) -> Result<Vec<u64>, RedisError> {
        let mut call = self.script.prepare_invoke();
        call.arg(cost.get());
        for (RateKey { rule, subject }, quota) in keys {
            call.key(format!("tenantry:rate:{}:{subject:032x}", rule.as_str()));
            call.arg(60_000_000.0 / f64::from(quota.get())).arg(quota.get());
        }
        let mut connection = self.connection.clone();
        let answer = tokio::time::timeout(PATIENCE, call.invoke_async(&mut connection)).await;
        answer.unwrap_or_else(|elapsed| Err(std::io::Error::from(elapsed).into()))
    }

    fn warn(&self, error: &RedisError) {
        let Ok(mut warned_at) = self.warned_at.lock() else { return };
        if warned_at.is_none_or(|warned_at| warned_at.elapsed() >= WARNING_INTERVAL) {
            *warned_at = Some(Instant::now());
            tracing::warn!(%error, "Redis does not answer; this node counts requests by itself");
        }
    }
}

#[async_trait]
impl RateLimits for RedisRateLimits {
    async fn take(&self, keys: &[RateKey], cost: NonZeroU32) -> Option<RateState> {
        let limited: Vec<_> = keys.iter().filter_map(|key| Some((*key, self.quotas.of(key.rule)?))).collect();
        if limited.is_empty() {
            return None;
        }
        match self.ask(&limited, cost).await {
            Ok(answer) => read(&limited, &answer),
            Err(error) => {
                self.warn(&error);
                self.fallback.take_now(keys, cost)
            }
        }
    }
}

/// The tightest of what the script answers, two numbers for each key that it asked.
fn read(keys: &[(RateKey, NonZeroU32)], answer: &[u64]) -> Option<RateState> {
    let states = keys.iter().zip(answer.chunks_exact(2)).filter_map(|((key, quota), numbers)| {
        let &[remaining, wait] = numbers else { return None };
        Some(RateState {
            rule: key.rule,
            quota: *quota,
            remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
            retry_after: (wait > 0).then(|| Duration::from_micros(wait)),
        })
    });
    states.reduce(RateState::tighter)
}

#[cfg(test)]
mod tests {
    use tenantry_application::RateRule;
    use tenantry_testkit::RedisServer;

    use super::*;

    fn quotas(user: u32) -> RateQuotas {
        RateQuotas { user: NonZeroU32::new(user), organization: NonZeroU32::new(1_000), ..RateQuotas::default() }
    }

    fn key(subject: u128) -> RateKey {
        RateKey { rule: RateRule::User, subject }
    }

    const ONE: NonZeroU32 = NonZeroU32::MIN;

    #[tokio::test]
    async fn nodes_share_what_is_left() {
        let Some(server) = RedisServer::start() else { return };
        let [one, other] = [0, 1].map(|_| RedisRateLimits::new(&server.url().into(), quotas(3)).unwrap());
        let mut left = Vec::new();
        for node in [&one, &other, &one] {
            left.push(node.take(&[key(1)], ONE).await.unwrap().remaining);
        }
        assert_eq!(left, [2, 1, 0]);
        let refused = other.take(&[key(1)], ONE).await.unwrap();
        let wait = refused.retry_after.unwrap().as_secs_f64();
        assert!(wait > 15.0 && wait <= 20.0, "{wait}");
        assert_eq!(other.take(&[key(2)], ONE).await.unwrap().remaining, 2);
    }

    #[tokio::test]
    async fn of_many_at_once_no_more_than_the_quota_pass() {
        let Some(server) = RedisServer::start() else { return };
        let limits = std::sync::Arc::new(RedisRateLimits::new(&server.url().into(), quotas(50)).unwrap());
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..200 {
            let limits = limits.clone();
            tasks.spawn(async move { limits.take(&[key(7)], ONE).await.unwrap().retry_after.is_none() });
        }
        let passed = tasks.join_all().await.into_iter().filter(|passed| *passed).count();
        // The quota comes back at less than one in a second.
        assert!((50..=55).contains(&passed), "{passed}");
    }

    #[tokio::test]
    async fn without_redis_a_node_counts_by_itself_and_without_waiting() {
        let url = SecretString::from("redis://127.0.0.1:1/");
        let limits = RedisRateLimits::new(&url, quotas(2)).unwrap();
        let start = Instant::now();
        let mut passed = 0;
        for _ in 0..5 {
            passed += u32::from(limits.take(&[key(1)], ONE).await.unwrap().retry_after.is_none());
        }
        assert_eq!(passed, 2);
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    }

    #[tokio::test]
    async fn no_url_is_refused() {
        assert!(RedisRateLimits::new(&SecretString::from("nonsense"), quotas(1)).is_err());
    }
}

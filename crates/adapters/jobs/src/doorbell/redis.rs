use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisError, pipe};
use secrecy::{ExposeSecret, SecretString};
use tenantry_kernel::IdGenerator;

use super::{EVERY_QUEUE, Line, LineError, heard, message};

/// The channel of all that share a Redis.
const CHANNEL: &str = "tenantry:jobs";

/// How long Redis may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// `PUBLISH` and `SUBSCRIBE` of Redis.
pub struct RedisLine {
    client: Client,
    connection: ConnectionManager,
    name: String,
}

impl RedisLine {
    /// A line by the Redis at `url`, which is connected to when it is first needed. Call it within a tokio runtime.
    ///
    /// # Errors
    /// [`LineError`] when the URL is none.
    pub fn new(url: &SecretString, ids: &dyn IdGenerator) -> Result<Self, LineError> {
        let client = Client::open(url.expose_secret()).map_err(LineError::new)?;
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(PATIENCE))
            .set_connection_timeout(Some(PATIENCE))
            .set_max_delay(Duration::from_secs(5));
        let connection = ConnectionManager::new_lazy_with_config(client.clone(), config).map_err(LineError::new)?;
        Ok(Self { client, connection, name: ids.next_id().to_string() })
    }

    async fn follow(&self, hear: &(dyn for<'q> Fn(&'q str) + Sync)) -> Result<(), RedisError> {
        let mut subscriber = self.client.get_async_pubsub().await?;
        subscriber.subscribe(CHANNEL).await?;
        hear(EVERY_QUEUE);
        let mut messages = subscriber.on_message();
        while let Some(next) = messages.next().await {
            let text: String = next.get_payload()?;
            heard(&self.name, &text).into_iter().for_each(hear);
        }
        Ok(())
    }
}

#[async_trait]
impl Line for RedisLine {
    async fn ring(&self, queues: &[String]) -> Result<(), LineError> {
        let mut publish = pipe();
        for queue in queues {
            publish.cmd("PUBLISH").arg(CHANNEL).arg(message(&self.name, queue)).ignore();
        }
        let mut connection = self.connection.clone();
        publish.query_async::<()>(&mut connection).await.map_err(LineError::new)
    }

    async fn listen(&self, hear: &(dyn for<'q> Fn(&'q str) + Sync)) -> LineError {
        self.follow(hear).await.err().map_or_else(|| LineError::new("it was closed"), LineError::new)
    }
}

use std::time::Duration;

use async_trait::async_trait;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tenantry_kernel::IdGenerator;

use super::{EVERY_QUEUE, Line, LineError, heard, message};

/// The channel of one database.
const CHANNEL: &str = "tenantry_jobs";

/// How long a connection to listen on may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// `LISTEN` and `NOTIFY` of PostgreSQL. Nothing is notified within the transactions that ask for jobs: a commit that
/// notifies takes a lock of the whole cluster.
pub struct PostgresLine {
    pool: PgPool,
    name: String,
}

impl PostgresLine {
    /// A line that rings on connections of `pool`, and listens on one of its own.
    #[must_use]
    pub fn new(pool: PgPool, ids: &dyn IdGenerator) -> Self {
        Self { pool, name: ids.next_id().to_string() }
    }

    async fn follow(
        &self,
        listener: &mut PgListener,
        hear: &(dyn for<'q> Fn(&'q str) + Sync),
    ) -> Result<(), sqlx::Error> {
        listener.listen(CHANNEL).await?;
        hear(EVERY_QUEUE);
        loop {
            // Without a message the connection was lost, and is made anew by the next call.
            match listener.try_recv().await? {
                Some(notification) => heard(&self.name, notification.payload()).into_iter().for_each(hear),
                None => hear(EVERY_QUEUE),
            }
        }
    }
}

#[async_trait]
impl Line for PostgresLine {
    async fn ring(&self, queues: &[String]) -> Result<(), LineError> {
        let messages: Vec<String> = queues.iter().map(|queue| message(&self.name, queue)).collect();
        let notify = sqlx::query("SELECT pg_notify($1, message) FROM unnest($2::text[]) AS message");
        notify.bind(CHANNEL).bind(messages).execute(&self.pool).await.map(|_| ()).map_err(LineError::new)
    }

    async fn listen(&self, hear: &(dyn for<'q> Fn(&'q str) + Sync)) -> LineError {
        let options = PgPoolOptions::new().max_connections(1).acquire_timeout(PATIENCE);
        let own = options.connect_lazy_with(PgConnectOptions::clone(&self.pool.connect_options()));
        let outcome = match PgListener::connect_with(&own).await {
            Ok(mut listener) => self.follow(&mut listener, hear).await,
            Err(error) => Err(error),
        };
        outcome.err().map_or_else(|| LineError::new("it was closed"), LineError::new)
    }
}

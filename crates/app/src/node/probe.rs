use std::time::{Duration, Instant};

use async_trait::async_trait;
use tenantry_http::health::{DatabaseHealth, HealthProbe, MigrationCounts};
use tenantry_store::Database;

/// How long the database may take to show a sign of life.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks the database how it is.
pub(super) struct DatabaseProbe(pub(super) Database);

#[async_trait]
impl HealthProbe for DatabaseProbe {
    async fn database(&self) -> DatabaseHealth {
        let asked = Instant::now();
        let answered = tokio::time::timeout(PATIENCE, self.0.ping()).await.is_ok_and(|answer| answer.is_ok());
        let latency = answered.then(|| asked.elapsed());
        let migrations = match latency {
            Some(_) => tokio::time::timeout(PATIENCE, self.0.schema()).await.ok().and_then(Result::ok),
            None => None,
        };
        DatabaseHealth {
            backend: self.0.backend(),
            latency,
            migrations: migrations.map(|schema| MigrationCounts { applied: schema.applied, pending: schema.pending }),
        }
    }
}

//! What wakes workers, here and in other processes.

use std::sync::Arc;

use tenantry_application::RUN_QUEUE;
use tenantry_application::ports::JobBell as _;
use tenantry_jobs::{Doorbell, Line, PostgresLine, RedisLine};
use tenantry_kernel::SystemIds;
use tenantry_store::{Database, SqlPool};
use tenantry_sync::ports::RunBell;

use crate::failure::Failure;
use crate::settings::Settings;

/// The bells, and the line to other processes if there is one.
#[derive(Clone)]
pub(super) struct BellParts {
    pub doorbell: Doorbell,
    pub line: Option<Arc<dyn Line>>,
}

impl BellParts {
    /// Redis carries rings where there is one, else PostgreSQL. Processes that share a SQLite file look by themselves.
    /// Call it within a tokio runtime.
    pub fn new(settings: &Settings, database: &Database) -> Result<Self, Failure> {
        let Some(line) = line(settings, database)? else { return Ok(Self { doorbell: Doorbell::alone(), line: None }) };
        let (doorbell, courier) = Doorbell::on(line.clone());
        // It ends with the last of the bells.
        tokio::spawn(courier.carry());
        Ok(Self { doorbell, line: Some(line) })
    }
}

fn line(settings: &Settings, database: &Database) -> Result<Option<Arc<dyn Line>>, Failure> {
    if let Some(url) = &settings.redis.url {
        return Ok(Some(Arc::new(RedisLine::new(url, &SystemIds).map_err(Failure::configuration)?)));
    }
    Ok(match database.background_pool() {
        SqlPool::Postgres(pool) => Some(Arc::new(PostgresLine::new(pool, &SystemIds))),
        SqlPool::Sqlite(_) => None,
    })
}

/// Rings when a run is queued.
pub(super) struct RunsBell(pub Doorbell);

impl RunBell for RunsBell {
    fn ring(&self) {
        self.0.ring(RUN_QUEUE);
    }
}

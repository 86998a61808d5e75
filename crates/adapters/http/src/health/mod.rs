//! Whether the service is well: for people, for load balancers and for orchestrators.

mod routes;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;

pub(crate) use self::routes::operations;

/// Looks after the database on behalf of the health routes.
#[async_trait]
pub trait HealthProbe: Send + Sync {
    /// Asks the database for a sign of life. Must answer within a few seconds, whatever state the database is in.
    async fn database(&self) -> DatabaseHealth;
}

/// How the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseHealth {
    /// Which one it is: `sqlite` or `postgresql`.
    pub backend: &'static str,
    /// How long a round trip took; none when it didn't answer.
    pub latency: Option<Duration>,
    /// The state of its schema; none when it didn't answer.
    pub migrations: Option<MigrationCounts>,
}

/// How far the schema is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MigrationCounts {
    /// Steps that were run.
    pub applied: usize,
    /// Steps that this version knows and that were not run.
    pub pending: usize,
}

impl DatabaseHealth {
    /// Whether requests can be served with it.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.latency.is_some() && self.migrations.is_some_and(|migrations| migrations.pending == 0)
    }
}

/// Whether the server wants requests. Clones are the same flag; it starts out not ready.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<AtomicU8>);

const STARTING: u8 = 0;
const READY: u8 = 1;
const DRAINING: u8 = 2;

impl Readiness {
    /// Requests are welcome from now on.
    pub fn ready(&self) {
        self.0.store(READY, Ordering::Relaxed);
    }

    /// The server is about to stop: load balancers should send requests elsewhere.
    pub fn draining(&self) {
        self.0.store(DRAINING, Ordering::Relaxed);
    }

    /// The state, in the word that `/health/ready` answers with.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match self.0.load(Ordering::Relaxed) {
            STARTING => "starting",
            READY => "ready",
            _ => "draining",
        }
    }

    /// Whether requests are welcome.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.load(Ordering::Relaxed) == READY
    }
}

use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Gauge, IntGauge, IntGaugeVec, Opts};
use tenantry_credentials::{BreachedPasswordLookup, Passwords};
use tenantry_store::Database;

/// Reads the connection pools and the hashing queue each time the metrics are asked for.
pub(super) struct ProcessCollector {
    database: Database,
    passwords: Arc<Passwords>,
    breached_passwords: Option<Arc<BreachedPasswordLookup>>,
    connections: IntGaugeVec,
    hashes: IntGaugeVec,
    hashes_completed: IntGauge,
    hashes_refused: IntGauge,
    hash_seconds: Gauge,
    breach_lookups: IntGaugeVec,
}

impl ProcessCollector {
    pub(super) fn new(
        database: Database,
        passwords: Arc<Passwords>,
        breached_passwords: Option<Arc<BreachedPasswordLookup>>,
    ) -> prometheus::Result<Self> {
        Ok(Self {
            database,
            passwords,
            breached_passwords,
            connections: IntGaugeVec::new(
                Opts::new("database_connections", "Connections by pool and state (open, idle, limit)."),
                &["pool", "state"],
            )?,
            hashes: IntGaugeVec::new(Opts::new("password_hashes", "Password hashes that wait or run."), &["state"])?,
            hashes_completed: IntGauge::new("password_hashes_completed", "Password hashes since the start.")?,
            hashes_refused: IntGauge::new(
                "password_hashes_refused",
                "Hashes refused since the start: the queue was full.",
            )?,
            hash_seconds: Gauge::new("password_hash_mean_seconds", "Seconds that one password hash takes lately.")?,
            breach_lookups: IntGaugeVec::new(
                Opts::new("breached_password_lookups", "Passwords looked up since the start (found, absent, failed)."),
                &["outcome"],
            )?,
        })
    }

    fn read_pools(&self) {
        for pool in self.database.pool_states() {
            for (state, count) in [("open", pool.open), ("idle", pool.idle), ("limit", pool.limit)] {
                self.connections.with_label_values(&[pool.name, state]).set(i64::from(count));
            }
        }
    }

    fn read_hashes(&self) {
        let gauges = self.passwords.gauges();
        for (state, count) in [("queued", gauges.queued), ("running", gauges.running)] {
            self.hashes.with_label_values(&[state]).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        self.hashes_completed.set(i64::try_from(gauges.completed).unwrap_or(i64::MAX));
        self.hashes_refused.set(i64::try_from(gauges.refused).unwrap_or(i64::MAX));
        self.hash_seconds.set(gauges.mean_seconds);
    }

    fn read_breach_lookups(&self) {
        let Some(lookup) = &self.breached_passwords else { return };
        let counts = lookup.counts();
        for (outcome, count) in [("found", counts.found), ("absent", counts.absent), ("failed", counts.failed)] {
            self.breach_lookups.with_label_values(&[outcome]).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    fn parts(&self) -> [&dyn Collector; 6] {
        [
            &self.connections,
            &self.hashes,
            &self.hashes_completed,
            &self.hashes_refused,
            &self.hash_seconds,
            &self.breach_lookups,
        ]
    }
}

impl Collector for ProcessCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.parts().into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.read_pools();
        self.read_hashes();
        self.read_breach_lookups();
        self.parts().into_iter().flat_map(Collector::collect).collect()
    }
}

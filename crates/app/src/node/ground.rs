//! What every part of a node stands on.

use std::sync::Arc;

use chrono::Duration;
use tenantry_credentials::DerivedKeys;
use tenantry_kernel::{Clock, IdGenerator, SystemClock, SystemIds};
use tenantry_store::Database;

use crate::failure::Failure;
use crate::settings::Settings;

/// The settings, and the adapters that most parts take.
pub(super) struct Ground<'n> {
    pub settings: &'n Settings,
    pub keys: &'n DerivedKeys,
    pub store: Arc<Database>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn IdGenerator>,
}

impl<'n> Ground<'n> {
    pub fn new(settings: &'n Settings, database: &Database, keys: &'n DerivedKeys) -> Self {
        let store = Arc::new(database.clone());
        Self { settings, keys, store, clock: Arc::new(SystemClock), ids: Arc::new(SystemIds) }
    }

    pub fn store(&self) -> Arc<Database> {
        self.store.clone()
    }

    pub fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    pub fn ids(&self) -> Arc<dyn IdGenerator> {
        self.ids.clone()
    }
}

/// A configured duration as the domain counts.
pub(super) fn lasting(duration: std::time::Duration) -> Result<Duration, Failure> {
    Duration::from_std(duration).map_err(Failure::configuration)
}

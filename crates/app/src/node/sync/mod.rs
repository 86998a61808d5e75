//! Cycles, sync sessions and their runs.

mod policy;
mod stores;

use std::sync::Arc;
use std::time::Duration;

use tenantry_application::RUN_QUEUE;
use tenantry_http::Services;
use tenantry_identity::PlatformContext;
use tenantry_jobs::Doorbell;
use tenantry_kernel::{Clock, IdGenerator};
use tenantry_store::Database;
use tenantry_sync::{Cycles, DirectOptions, DirectUploads, SyncSessions, Uploads};
use tenantry_transfer::engine::{Bell, SyncWorker, TransferOptions, WorkerParts};

use self::policy::OperatorPolicy;
use self::stores::ConfiguredStores;
use crate::failure::Failure;
use crate::node::doorbell::RunsBell;
use crate::node::ground::Ground;
use crate::settings::{Settings, SyncSettings};

/// The use cases, and what their worker is made of.
pub(super) struct SyncParts {
    pub cycles: Arc<Cycles>,
    pub sessions: Arc<SyncSessions>,
    pub uploads: Arc<Uploads>,
    pub direct_uploads: Arc<DirectUploads>,
    policy: Arc<OperatorPolicy>,
    objects: Arc<ConfiguredStores>,
    bell: Bell,
    store: Arc<Database>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl SyncParts {
    pub fn new(ground: &Ground<'_>, doorbell: &Doorbell) -> Result<Self, Failure> {
        let Ground { settings, store, clock, ids, .. } = ground;
        let policy = Arc::new(OperatorPolicy::new(settings)?);
        let sessions = SyncSessions::new(store.clone(), policy.clone(), clock.clone(), ids.clone());
        let bell = Arc::new(RunsBell(doorbell.clone()));
        let uploads = Uploads::new(store.clone(), policy.clone(), bell, clock.clone(), ids.clone());
        let objects = Arc::new(ConfiguredStores::new(ground)?);
        let direct = DirectUploads::new(
            store.clone(),
            policy.clone(),
            objects.clone(),
            clock.clone(),
            ids.clone(),
            direct_options(&settings.sync),
        );
        Ok(Self {
            cycles: Arc::new(Cycles::new(store.clone(), clock.clone(), ids.clone())),
            sessions: Arc::new(sessions),
            uploads: Arc::new(uploads),
            direct_uploads: Arc::new(direct),
            policy,
            objects,
            bell: Bell::from(doorbell.of_queue(RUN_QUEUE)),
            store: store.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
        })
    }

    /// The worker that does the runs.
    pub fn worker(&self, services: &Services, settings: &Settings) -> SyncWorker {
        SyncWorker::new(WorkerParts {
            store: self.store.clone(),
            all: self.store.clone(),
            queue: self.store.clone(),
            entrance: services.entrance.clone(),
            uploads: self.uploads.clone(),
            policy: self.policy.clone(),
            roots: self.policy.roots(),
            objects: self.objects.clone(),
            bell: self.bell.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            platform: PlatformContext::system(),
            options: transfer_options(&settings.sync),
        })
    }
}

fn transfer_options(sync: &SyncSettings) -> TransferOptions {
    TransferOptions {
        runs: sync.concurrent_runs,
        runs_of_one: sync.concurrent_runs_per_organization,
        lease: sync.lease,
        memory_bytes: u64::from(sync.memory_mib) << 20,
        bytes_per_second: Some(u64::from(sync.bandwidth_kib_per_second) << 10).filter(|rate| *rate > 0),
        orphan_age: sync.orphan_age,
        direct_idle: Duration::from_hours(sync.direct_idle_hours.into()),
        ..TransferOptions::default()
    }
}

fn direct_options(sync: &SyncSettings) -> DirectOptions {
    DirectOptions {
        presigned_for: sync.presigned_for,
        orphan_age: sync.orphan_age,
        largest_appended: u64::from(sync.tus_max_gib) << 30,
        ..DirectOptions::default()
    }
}

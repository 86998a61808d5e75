//! Takes runs from the queue, so many at a time.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tenantry_identity::PlatformContext;
use tenantry_kernel::{Clock, IdGenerator, StorageError, Store};
use tenantry_sync::ports::{DueSession, ObjectStores, RunQueue, SyncPolicy, SyncTransaction};
use tenantry_sync::{Claim, SyncError, SyncSessionId, Uploads, WorkerName};
use tenantry_tenancy::{Entrance, TenantContext};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

use super::bell::Bell;
use super::execution::execute;
use super::halt::Signal;
use super::options::TransferOptions;
use super::orphans;
use super::pace::Budget;
use crate::source::Roots;

/// How often runs are taken from workers that are gone, and schedules are looked at.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// Sessions that are started at once because their time has come.
const DUE_AT_ONCE: u16 = 50;

/// When a schedule is looked at again of somebody who may not enter the organisation.
const PUT_OFF: chrono::Duration = chrono::Duration::hours(1);

/// What a worker works with.
pub struct WorkerParts {
    /// What organisations sync.
    pub store: Arc<dyn Store<TenantContext, dyn SyncTransaction>>,
    /// The same of all organisations, for runs that can't be begun.
    pub all: Arc<dyn Store<PlatformContext, dyn SyncTransaction>>,
    /// Where runs wait.
    pub queue: Arc<dyn RunQueue>,
    /// Lets those in for whom runs are done.
    pub entrance: Arc<Entrance>,
    /// Starts runs whose time has come.
    pub uploads: Arc<Uploads>,
    /// What organisations may use.
    pub policy: Arc<dyn SyncPolicy>,
    /// Which folders they may read.
    pub roots: Arc<Roots>,
    /// Where their objects go.
    pub objects: Arc<dyn ObjectStores>,
    /// Wakes the worker.
    pub bell: Bell,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Identifiers.
    pub ids: Arc<dyn IdGenerator>,
    /// The right to act for those who asked for runs.
    pub platform: PlatformContext,
    /// How much at once.
    pub options: TransferOptions,
}

/// Does the runs of all organisations, until told to stop. Any number of them may run, in any number of processes.
pub struct SyncWorker {
    parts: Arc<WorkerParts>,
    budget: Budget,
    name: WorkerName,
}

impl SyncWorker {
    /// A worker with these parts.
    #[must_use]
    pub fn new(parts: WorkerParts) -> Self {
        let name = WorkerName::new(format!("{}-{}", std::process::id(), parts.ids.next_id()));
        let budget = Budget::new(parts.options.memory_bytes, parts.options.bytes_per_second);
        Self { parts: Arc::new(parts), budget, name }
    }

    /// Works until `stopping` says so, and then as long as the options allow to leave what was begun in order.
    pub async fn run(self, stopping: watch::Receiver<bool>) {
        tokio::join!(self.take_runs(stopping.clone()), self.sweep(stopping));
    }

    async fn take_runs(&self, mut stopping: watch::Receiver<bool>) {
        let (signal, _) = watch::channel(Signal::GoOn);
        let mut running: JoinSet<()> = JoinSet::new();
        while !*stopping.borrow() {
            while running.try_join_next().is_some() {}
            let has_taken =
                running.len() < usize::from(self.parts.options.runs) && self.take_one(&mut running, &signal).await;
            if has_taken {
                continue;
            }
            tokio::select! {
                _ = stopping.wait_for(|stop| *stop) => {}
                () = self.parts.bell.wait(self.parts.options.poll_interval) => {}
                Some(_) = running.join_next() => {}
            }
        }
        signal.send_replace(Signal::Stop);
        let drained = timeout(self.parts.options.drain, async { while running.join_next().await.is_some() {} });
        if drained.await.is_err() {
            tracing::warn!("runs were still under way when the worker had to stop; others take them over");
        }
    }

    /// Takes a run and begins it; tells whether there was one.
    async fn take_one(&self, running: &mut JoinSet<()>, stop: &watch::Sender<Signal>) -> bool {
        let options = &self.parts.options;
        let now = self.parts.clock.now();
        let claim = match self.parts.queue.claim(&self.name, options.lease, options.runs_of_one, now).await {
            Ok(claim) => claim,
            Err(error) => {
                tracing::warn!(?error, "no run could be taken");
                return false;
            }
        };
        let Some(claim) = claim else { return false };
        let parts = Arc::clone(&self.parts);
        let (budget, stop) = (self.budget.clone(), stop.subscribe());
        running.spawn(async move { supervised(&parts, budget, claim, stop).await });
        true
    }

    /// Looks after runs whose workers or clients are gone, and starts those whose time has come.
    async fn sweep(&self, mut stopping: watch::Receiver<bool>) {
        let mut ticks = interval(SWEEP_INTERVAL);
        loop {
            tokio::select! {
                _ = stopping.wait_for(|stop| *stop) => return,
                _ = ticks.tick() => {}
            }
            match self.parts.queue.reap(self.parts.clock.now()).await {
                Ok(0) => {}
                Ok(count) => tracing::warn!(count, "runs were taken from workers that are gone"),
                Err(error) => tracing::warn!(?error, "lost runs could not be looked for"),
            }
            if let Err(error) = orphans::end_idle(&self.parts).await {
                tracing::warn!(?error, "direct uploads that nobody goes on with could not be ended");
            }
            if let Err(error) = self.start_due().await {
                tracing::warn!(?error, "scheduled runs could not be started");
            }
        }
    }

    async fn start_due(&self) -> Result<(), StorageError> {
        let now = self.parts.clock.now();
        for due in self.parts.queue.due(now, DUE_AT_ONCE).await? {
            let started = self.start_one(due).await;
            // One that can't be started holds none of the others up.
            if let Err(error) = started {
                tracing::warn!(?error, session_id = %due.session_id, "a scheduled run could not be started");
                if matches!(error, SyncError::NotFound) {
                    self.put_off(due.session_id, now).await?;
                }
            }
        }
        Ok(())
    }

    async fn start_one(&self, due: DueSession) -> Result<(), SyncError> {
        if !self.parts.queue.may_act(due.user_id).await? {
            return Err(SyncError::NotFound);
        }
        let actor = self.parts.platform.act_for(due.user_id);
        let context = self.parts.entrance.enter(actor, due.organization_id).await?;
        self.parts.uploads.start_scheduled(&context, due.session_id).await
    }

    /// The schedule of somebody who may not enter the organisation now, which may change, is looked at again later.
    async fn put_off(&self, id: SyncSessionId, now: DateTime<Utc>) -> Result<(), StorageError> {
        let mut transaction = self.parts.all.begin(&self.parts.platform).await?;
        transaction.sync_sessions().set_next_run(id, Some(now + PUT_OFF)).await?;
        transaction.commit().await
    }
}

/// Does a run, and hands it the word to stop.
async fn supervised(parts: &WorkerParts, budget: Budget, claim: Claim, mut stop: watch::Receiver<Signal>) {
    let (signal, _) = watch::channel(Signal::GoOn);
    let told = signal.clone();
    let tell = async move {
        if stop.wait_for(|signal| *signal == Signal::Stop).await.is_ok() {
            told.send_if_modified(|known| {
                let goes_on = *known == Signal::GoOn;
                if goes_on {
                    *known = Signal::Stop;
                }
                goes_on
            });
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = execute(parts, budget, claim, signal) => {}
        () = tell => {}
    }
}

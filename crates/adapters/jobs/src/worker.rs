use std::future::Future;
use std::pin::Pin;
use std::process;
use std::sync::Arc;
use std::time::Duration;

use apalis::prelude::{BackendExt, WorkerBuilder, WorkerError};
use apalis_postgres::PostgresStorage;
use apalis_sqlite::SqliteStorage;
use serde_json::Value;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgPool, SqlitePool};
use tenantry_application::ports::Housekeeping;
use tenantry_application::{AuditKeeper, PostOffice};
use tenantry_identity::SigningKeys;
use tenantry_kernel::{Clock, IdGenerator};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::{
    JobsOptions, QueueDatabase, audit, keys, post,
    purge::{self, Purge, PurgeJob},
    queue::Queue,
    schedule::{Schedule, jitter},
};

/// How often a worker says that it lives, and how often it may miss that before others take its jobs.
const HEARTBEAT: Duration = Duration::from_secs(5);
const MISSED_HEARTBEATS: usize = 6;

/// A poll, a heartbeat and the end of a job may come at once.
const QUEUE_CONNECTIONS: u32 = 3;

/// How long the queue waits for a connection, and for its connections to close.
const QUEUE_PATIENCE: Duration = Duration::from_secs(5);

/// The first wait after a failure; each further one doubles it.
const FIRST_RETRY: Duration = Duration::from_millis(500);
const LAST_RETRY: Duration = Duration::from_secs(30);

/// Rings and answers the bell of every job, until told to stop.
///
/// Any number of them may run, in any number of processes.
pub struct Worker {
    queue: Queue,
    job: Arc<PurgeJob>,
    post_office: Option<Arc<PostOffice>>,
    audit_keeper: Option<Arc<AuditKeeper>>,
    signing_keys: Option<Arc<SigningKeys>>,
    schedule: Schedule,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
    options: JobsOptions,
}

impl Worker {
    /// A worker on the queue of `database`, which [`crate::migrate`] has made.
    #[must_use]
    pub fn new(
        database: QueueDatabase,
        housekeeping: Arc<dyn Housekeeping>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
        options: JobsOptions,
    ) -> Self {
        let schedule = Schedule::every(options.purge_interval);
        let queue = Queue { database, name: purge::QUEUE };
        let erase_after = options.erase_after;
        let job = PurgeJob { housekeeping, clock: Arc::clone(&clock), queue: queue.clone(), schedule, erase_after };
        Self {
            queue,
            job: Arc::new(job),
            post_office: None,
            audit_keeper: None,
            signing_keys: None,
            schedule,
            clock,
            ids,
            options,
        }
    }

    /// The same, which also sends mail.
    #[must_use]
    pub fn sending(self, post_office: Arc<PostOffice>) -> Self {
        Self { post_office: Some(post_office), ..self }
    }

    /// The same, which also keeps the audit log.
    #[must_use]
    pub fn keeping_audit_log(self, keeper: Arc<AuditKeeper>) -> Self {
        Self { audit_keeper: Some(keeper), ..self }
    }

    /// The same, which also looks after the keys of access tokens.
    #[must_use]
    pub fn keeping(self, signing_keys: Arc<SigningKeys>) -> Self {
        Self { signing_keys: Some(signing_keys), ..self }
    }

    /// Works until `shutdown` completes, and then as long as the options allow to finish what was begun.
    ///
    /// Failures of the database are logged and waited out.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) {
        let (stop, stopping) = watch::channel(false);
        let work = async {
            tokio::join!(
                self.ring_on_schedule(stopping.clone()),
                self.supervise(stopping.clone()),
                self.send_mail(stopping.clone()),
                self.keep_audit_log(stopping.clone()),
                self.keep_keys(stopping.clone())
            )
        };
        tokio::pin!(work);
        tokio::select! {
            _ = &mut work => return,
            () = shutdown => {}
        }
        stop.send_replace(true);
        if timeout(self.options.drain, work).await.is_err() {
            tracing::warn!("jobs were still running when the worker had to stop");
        }
    }

    async fn send_mail(&self, stopping: watch::Receiver<bool>) {
        if let Some(office) = &self.post_office {
            post::send_until_stopped(office.clone(), self.options.poll_interval, stopping).await;
        }
    }

    async fn keep_audit_log(&self, stopping: watch::Receiver<bool>) {
        if let Some(keeper) = &self.audit_keeper {
            audit::keep_until_stopped(keeper.clone(), self.options.poll_interval, stopping).await;
        }
    }

    async fn keep_keys(&self, stopping: watch::Receiver<bool>) {
        if let Some(keys) = &self.signing_keys {
            keys::keep_until_stopped(keys.clone(), stopping).await;
        }
    }

    /// Rings at the start of every period, a little later on every node but the first that comes.
    async fn ring_on_schedule(&self, mut stopping: watch::Receiver<bool>) {
        let mut retry = FIRST_RETRY;
        loop {
            let now = self.clock.now();
            let key = format!("{}:{}", purge::QUEUE, self.schedule.period(now));
            let wait = match self.queue.ring(&Purge::new(), &key).await {
                Ok(()) => {
                    retry = FIRST_RETRY;
                    let spread = (self.options.purge_interval / 20).min(Duration::from_mins(1));
                    self.schedule.until_next(now).saturating_add(jitter(&*self.ids, spread))
                }
                Err(error) => {
                    tracing::warn!(?error, "could not ring for a job");
                    self.next_retry(&mut retry)
                }
            };
            if stopped_within(&mut stopping, wait).await {
                return;
            }
        }
    }

    /// Runs workers one after the other: any error of the database ends one, whatever it was doing.
    async fn supervise(&self, mut stopping: watch::Receiver<bool>) {
        let mut retry = FIRST_RETRY;
        loop {
            let start = Instant::now();
            let outcome = self.work(stopping.clone()).await;
            if *stopping.borrow() {
                return;
            }
            if start.elapsed() > LAST_RETRY {
                retry = FIRST_RETRY;
            }
            let wait = self.next_retry(&mut retry);
            tracing::warn!(?outcome, ?wait, "a job worker ended and will be started again");
            if stopped_within(&mut stopping, wait).await {
                return;
            }
        }
    }

    fn work(&self, stopping: watch::Receiver<bool>) -> Work {
        let attempt = Attempt {
            // Never a name that was used before: the queue takes the jobs of a name for alive as long as it is.
            name: format!("{}-{}-{}", purge::QUEUE, process::id(), self.ids.next_id()),
            queue: self.queue.name,
            poll_interval: self.options.poll_interval,
            job: Arc::clone(&self.job),
            stopping,
        };
        match &self.queue.database {
            QueueDatabase::Sqlite(pool) => attempt.on_sqlite(pool),
            QueueDatabase::Postgres(pool) => attempt.on_postgres(pool),
        }
    }

    /// How long to wait now, half to one and a half of `retry`, which doubles for the next time.
    fn next_retry(&self, retry: &mut Duration) -> Duration {
        let wait = *retry / 2 + jitter(&*self.ids, *retry);
        *retry = retry.saturating_mul(2).min(LAST_RETRY);
        wait
    }
}

/// One life of a worker of the queue.
struct Attempt {
    name: String,
    queue: &'static str,
    poll_interval: Duration,
    job: Arc<PurgeJob>,
    stopping: watch::Receiver<bool>,
}

type Work = Pin<Box<dyn Future<Output = Result<(), WorkerError>> + Send>>;

// The storages share no trait that could name the built worker, hence twice the same.
impl Attempt {
    fn on_sqlite(self, pool: &SqlitePool) -> Work {
        let config = apalis_sqlite::Config::default()
            .queue(self.queue)
            // More would starve the heartbeats while the first of a batch runs.
            .batch_size(1)
            .heartbeat_interval(HEARTBEAT)
            .missed_heartbeats(MISSED_HEARTBEATS);
        let worker = WorkerBuilder::new(self.name.as_str())
            .backend(SqliteStorage::<Value>::new(pool).with_config(config).poll_with_interval(self.poll_interval))
            .data(self.job)
            .build(purge::purge);
        Box::pin(worker.run_until(stopped(self.stopping)))
    }

    /// On connections of its own, which end with it: the queue begins transactions, and one that is dropped while it
    /// begins stays open on its connection, where whatever came next would never be committed.
    fn on_postgres(self, pool: &PgPool) -> Work {
        let options = PgPoolOptions::new().max_connections(QUEUE_CONNECTIONS).acquire_timeout(QUEUE_PATIENCE);
        let own = options.connect_lazy_with(PgConnectOptions::clone(&pool.connect_options()));
        let config = apalis_postgres::Config::default()
            .queue(self.queue)
            .batch_size(1)
            .heartbeat_interval(HEARTBEAT)
            .missed_heartbeats(MISSED_HEARTBEATS);
        let worker = WorkerBuilder::new(self.name.as_str())
            .backend(PostgresStorage::<Value>::new(&own).with_config(config).poll_with_interval(self.poll_interval))
            .data(self.job)
            .build(purge::purge);
        Box::pin(async move {
            let outcome = worker.run_until(stopped(self.stopping)).await;
            // What does not close in time is closed when the last of it is dropped.
            let _ = timeout(QUEUE_PATIENCE, own.close()).await;
            outcome
        })
    }
}

/// Completes when the worker is to stop.
async fn stopped(mut stopping: watch::Receiver<bool>) -> Result<(), WorkerError> {
    // An error means that the worker was dropped.
    let _ = stopping.wait_for(|stop| *stop).await;
    Ok(())
}

/// Waits; tells whether the worker is to stop.
pub(crate) async fn stopped_within(stopping: &mut watch::Receiver<bool>, wait: Duration) -> bool {
    tokio::select! {
        _ = stopping.wait_for(|stop| *stop) => true,
        () = sleep(wait) => false,
    }
}

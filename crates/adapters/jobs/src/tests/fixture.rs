use std::collections::HashSet;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tempfile::TempDir;
use tenantry_application::ports::{
    Housekeeping, JobBell as _, JobQueue, PlatformTransaction, PurgeLimits, PurgeReport,
};
use tenantry_application::{Job, JobFilter};
use tenantry_identity::PlatformContext;
use tenantry_kernel::{Clock as _, JobId, JobKind, NewJob, PageRequest, StorageError, Store, SystemClock, SystemIds};
use tenantry_migrations::{roles, up};
use tenantry_store::{Database, DatabaseUrl, StoreOptions};
use tenantry_testkit::postgres::{TestDatabase, cluster};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::{Doorbell, JobFailure, JobHandler, JobRun, JobWaits, JobsOptions, Line, MAIN_QUEUE, Worker, WorkerParts};

/// Counts purges.
#[derive(Default)]
pub(super) struct Broom {
    pub purges: AtomicU32,
    pub limits: Mutex<Option<PurgeLimits>>,
}

#[async_trait]
impl Housekeeping for Broom {
    async fn purge(&self, limits: PurgeLimits) -> Result<PurgeReport, StorageError> {
        *self.limits.lock().unwrap() = Some(limits);
        self.purges.fetch_add(1, Ordering::SeqCst);
        Ok(PurgeReport::default())
    }
}

/// What jobs of the kind `test.fold` are about.
pub(super) const FOLD: JobKind = JobKind { name: "test.fold", queue: MAIN_QUEUE, max_attempts: 3 };

/// Folds paper, and says what it did.
#[derive(Default)]
pub(super) struct Folder {
    /// Jobs that were begun, in their order.
    pub begun: Mutex<Vec<JobId>>,
    /// Jobs that were finished.
    pub done: Mutex<HashSet<JobId>>,
    pub fails: AtomicBool,
    pub fails_for_good: AtomicBool,
    pub panics: AtomicBool,
    /// Works until it is told to stop.
    pub leaves_off: AtomicBool,
    /// Works for so many milliseconds.
    pub takes: AtomicU32,
    pub limit: Option<Duration>,
}

impl Folder {
    pub(super) fn begun(&self) -> usize {
        self.begun.lock().unwrap().len()
    }

    pub(super) fn done(&self) -> usize {
        self.done.lock().unwrap().len()
    }
}

#[async_trait]
impl JobHandler for Folder {
    async fn handle(&self, mut run: JobRun) -> Result<(), JobFailure> {
        self.begun.lock().unwrap().push(run.job.lease.job_id);
        assert!(!self.panics.load(Ordering::SeqCst), "on purpose");
        if self.fails.load(Ordering::SeqCst) {
            return Err(JobFailure::Again("out of paper".into()));
        }
        if self.fails_for_good.load(Ordering::SeqCst) {
            return Err(JobFailure::Final("no such paper".into()));
        }
        if self.leaves_off.load(Ordering::SeqCst) {
            run.told_to_stop().await;
            return Err(JobFailure::Stopped);
        }
        tokio::time::sleep(Duration::from_millis(self.takes.load(Ordering::SeqCst).into())).await;
        self.done.lock().unwrap().insert(run.job.lease.job_id);
        Ok(())
    }

    fn time_limit(&self) -> Duration {
        self.limit.unwrap_or(Duration::from_mins(1))
    }

    fn waits(&self) -> JobWaits {
        JobWaits { first: Duration::from_millis(200), longest: Duration::from_secs(1) }
    }
}

/// A migrated, empty database.
pub(super) struct Place {
    pub database: Arc<Database>,
    _postgres: Option<TestDatabase>,
    _directory: Option<TempDir>,
}

impl Place {
    pub(super) async fn on_sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("jobs.db").display());
        migrate(&url).await;
        let database = Arc::new(Database::new(&options(&url)).unwrap());
        Self { database, _postgres: None, _directory: Some(directory) }
    }

    pub(super) async fn on_postgres() -> Option<Self> {
        let test = cluster().await?.database_from_template("jobs", async |url| migrate(&url).await).await;
        let platform_url = Some(DatabaseUrl::parse(&test.platform_url).unwrap());
        let options = StoreOptions { platform_url, ..options(&test.app_url) };
        Some(Self { database: Arc::new(Database::new(&options).unwrap()), _postgres: Some(test), _directory: None })
    }

    pub(super) async fn ask(&self, job: &NewJob) {
        assert!(self.database.enqueue(job).await.unwrap());
    }

    /// Asks for a sheet to be folded.
    pub(super) async fn ask_to_fold(&self) -> JobId {
        let job = fold();
        self.ask(&job).await;
        job.id
    }

    pub(super) async fn jobs(&self, filter: &JobFilter) -> Vec<Job> {
        let store: &dyn Store<PlatformContext, dyn PlatformTransaction> = &*self.database;
        let mut transaction = store.read(&PlatformContext::system()).await.unwrap();
        transaction.jobs().list(filter, &PageRequest::default()).await.unwrap().items
    }

    pub(super) async fn cancel(&self, id: JobId) -> bool {
        let store: &dyn Store<PlatformContext, dyn PlatformTransaction> = &*self.database;
        let mut transaction = store.begin(&PlatformContext::system()).await.unwrap();
        let is_cancelled = transaction.jobs().cancel(id, SystemClock.now()).await.unwrap();
        transaction.commit().await.unwrap();
        is_cancelled
    }

    pub(super) async fn job(&self, id: JobId) -> Job {
        let store: &dyn Store<PlatformContext, dyn PlatformTransaction> = &*self.database;
        let mut transaction = store.read(&PlatformContext::system()).await.unwrap();
        transaction.jobs().find(id).await.unwrap().unwrap()
    }
}

pub(super) fn fold() -> NewJob {
    NewJob::of_platform(FOLD, json!({}), SystemClock.now(), &SystemIds)
}

fn options(url: &str) -> StoreOptions {
    StoreOptions::new(DatabaseUrl::parse(url).unwrap())
}

async fn migrate(url: &str) {
    let connection = Database::migrator(&options(url)).unwrap();
    roles::ensure_roles(&connection).await.unwrap();
    up(&connection, None).await.unwrap();
    connection.close().await.unwrap();
}

/// A worker at work. Dropped, it dies on the spot.
pub(super) struct Running {
    pub doorbell: Doorbell,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Running {
    pub(super) async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        tokio::time::timeout(Duration::from_secs(10), &mut self.task).await.unwrap().unwrap();
    }

    pub(super) async fn crash(mut self) {
        self.task.abort();
        drop((&mut self.task).await);
    }

    pub(super) fn ring(&self) {
        self.doorbell.ring(MAIN_QUEUE);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Long enough that a test sees one period only, even when it starts at the very end of one.
pub(super) const DECADE: Duration = Duration::from_hours(87_600);

/// A worker that looks often.
pub(super) fn quick() -> JobsOptions {
    let (poll_interval, lease) = (Duration::from_millis(50), Duration::from_secs(1));
    JobsOptions {
        purge_interval: DECADE,
        poll_interval,
        lease,
        drain: Duration::from_secs(1),
        ..JobsOptions::default()
    }
}

pub(super) fn start(place: &Place, folder: &Arc<Folder>, options: JobsOptions) -> Running {
    start_on(place, folder, &Arc::new(Broom::default()), options, (Doorbell::alone(), None))
}

pub(super) fn start_on(
    place: &Place,
    folder: &Arc<Folder>,
    broom: &Arc<Broom>,
    options: JobsOptions,
    (doorbell, line): (Doorbell, Option<Arc<dyn Line>>),
) -> Running {
    let worker = Worker::new(WorkerParts {
        queue: place.database.clone(),
        housekeeping: broom.clone(),
        doorbell: doorbell.clone(),
        line,
        clock: Arc::new(SystemClock),
        ids: Arc::new(SystemIds),
        options,
    });
    let worker = worker.doing(FOLD.name, folder.clone());
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(worker.run(async {
        let _ = stopped.await;
    }));
    Running { doorbell, stop: Some(stop), task }
}

pub(super) async fn until(condition: impl AsyncFn() -> bool) {
    for _ in 0..800 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the condition never came true");
}

/// Runs a case on each database.
pub(super) async fn on_each<F: Future<Output = ()>>(place: Option<Place>, case: impl FnOnce(&'static Place) -> F) {
    let Some(place) = place else { return };
    let place: &'static Place = Box::leak(Box::new(place));
    case(place).await;
    place.database.close().await;
}

/// A test of each case on each database.
macro_rules! on_both {
    ($($case:ident),+ $(,)?) => {$(
        mod $case {
            use crate::tests::fixture::{Place, on_each};

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                on_each(Some(Place::on_sqlite().await), super::cases::$case).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                on_each(Place::on_postgres().await, super::cases::$case).await;
            }
        }
    )+};
}
pub(super) use on_both;

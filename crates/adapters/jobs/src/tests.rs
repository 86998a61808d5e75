//! Every case runs on both databases, on PostgreSQL as an owner that is no superuser and a worker in the platform's role.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use sea_orm_migration::sea_orm::{ConnectOptions, Database};
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, PgPool};
use tenantry_application::ports::{Housekeeping, JobRegister as _, PurgeLimits, PurgeReport};
use tenantry_application::{JobFilter, JobState};
use tenantry_kernel::{Clock, IdGenerator, PageRequest, StorageError, SystemClock, SystemIds};
use tenantry_testkit::postgres::{TestDatabase, cluster};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::{
    JobsOptions, QueueDatabase, Register, Worker, migrate, purge,
    purge::{Purge, PurgeJob},
    queue::Queue,
    schedule::Schedule,
};

/// Counts purges; fails or panics when told to.
#[derive(Default)]
struct Broom {
    purges: AtomicU32,
    fails: AtomicBool,
    panics: AtomicBool,
    limits: Mutex<Option<PurgeLimits>>,
}

#[async_trait]
impl Housekeeping for Broom {
    async fn purge(&self, limits: PurgeLimits) -> Result<PurgeReport, StorageError> {
        *self.limits.lock().unwrap() = Some(limits);
        self.purges.fetch_add(1, Ordering::SeqCst);
        assert!(!self.panics.load(Ordering::SeqCst), "on purpose");
        if self.fails.load(Ordering::SeqCst) {
            return Err(StorageError::Unavailable("on purpose".into()));
        }
        Ok(PurgeReport::default())
    }
}

impl Broom {
    fn count(&self) -> u32 {
        self.purges.load(Ordering::SeqCst)
    }
}

struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    async fn stop(self) {
        self.stop.send(()).unwrap();
        tokio::time::timeout(Duration::from_secs(10), self.task).await.unwrap().unwrap();
    }
}

fn start(database: &QueueDatabase, broom: &Arc<Broom>, purge_interval: Duration) -> Running {
    let poll_interval = Duration::from_millis(50);
    start_with(database, broom, JobsOptions { purge_interval, poll_interval, ..JobsOptions::default() })
}

fn start_with(database: &QueueDatabase, broom: &Arc<Broom>, options: JobsOptions) -> Running {
    let housekeeping: Arc<dyn Housekeeping> = broom.clone();
    let worker = Worker::new(database.clone(), housekeeping, Arc::new(SystemClock), Arc::new(SystemIds), options);
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(worker.run(async {
        let _ = stopped.await;
    }));
    Running { stop, task }
}

/// Long enough that a test sees one period only, even when it starts at the very end of one.
const DECADE: Duration = Duration::from_hours(87_600);

async fn until(condition: impl AsyncFn() -> bool) {
    for _ in 0..400 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the condition never came true");
}

async fn execute(database: &QueueDatabase, sqlite: &str, postgres: &str) {
    match database {
        QueueDatabase::Sqlite(pool) => drop(sqlx::raw_sql(AssertSqlSafe(sqlite)).execute(pool).await.unwrap()),
        QueueDatabase::Postgres(pool) => drop(sqlx::raw_sql(AssertSqlSafe(postgres)).execute(pool).await.unwrap()),
    }
}

/// The states of all jobs, in order.
async fn states(database: &QueueDatabase) -> Vec<String> {
    let (sqlite, postgres) = ("SELECT status FROM Jobs ORDER BY id", "SELECT status FROM apalis.jobs ORDER BY id");
    match database {
        QueueDatabase::Sqlite(pool) => sqlx::query_scalar(sqlite).fetch_all(pool).await.unwrap(),
        QueueDatabase::Postgres(pool) => sqlx::query_scalar(postgres).fetch_all(pool).await.unwrap(),
    }
}

async fn on_sqlite<F: Future<Output = ()>>(case: impl FnOnce(QueueDatabase) -> F) {
    let directory = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new().filename(directory.path().join("jobs.db")).create_if_missing(true);
    let pool = SqlitePoolOptions::new().max_connections(2).connect_with(options).await.unwrap();
    let database = QueueDatabase::Sqlite(pool.clone());
    migrate(&database).await.unwrap();
    case(database).await;
    pool.close().await;
}

async fn on_postgres<F: Future<Output = ()>>(case: impl FnOnce(QueueDatabase) -> F) {
    let Some(database) = migrated().await else { return };
    let pool = pool_as(&database.platform_url, "tenantry_platform").await;
    case(QueueDatabase::Postgres(pool.clone())).await;
    pool.close().await;
}

async fn migrated() -> Option<TestDatabase> {
    let cluster = cluster().await?;
    let prepare = async |url: String| {
        let connection = Database::connect(ConnectOptions::new(url.as_str())).await.unwrap();
        tenantry_migrations::roles::ensure_roles(&connection).await.unwrap();
        connection.close().await.unwrap();
        let pool = PgPool::connect(&url).await.unwrap();
        migrate(&QueueDatabase::Postgres(pool.clone())).await.unwrap();
        // Once more changes nothing.
        migrate(&QueueDatabase::Postgres(pool.clone())).await.unwrap();
        pool.close().await;
    };
    Some(cluster.database_from_template("jobs", prepare).await)
}

async fn pool_as(url: &str, role: &str) -> PgPool {
    let options: PgConnectOptions = url.parse().unwrap();
    PgPoolOptions::new().max_connections(3).connect_with(options.options([("role", role)])).await.unwrap()
}

/// A test of each case on each database.
macro_rules! on_both {
    ($($case:ident),+ $(,)?) => {$(
        mod $case {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                super::on_sqlite(super::cases::$case).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                super::on_postgres(super::cases::$case).await;
            }
        }
    )+};
}

on_both!(
    accounts_are_erased_after_their_time,
    two_workers_do_a_job_once,
    every_period_has_its_job,
    a_failed_job_is_not_tried_again_in_its_period,
    a_panic_ends_the_job_only,
    a_worker_starts_again_after_its_database_failed,
    old_jobs_and_workers_are_swept,
    unknown_payloads_fail_and_harm_nothing_else,
    a_job_is_either_cancelled_or_done,
    a_failed_job_can_be_done_again,
);

mod cases {
    use super::*;

    pub(super) async fn two_workers_do_a_job_once(database: QueueDatabase) {
        let broom = Arc::new(Broom::default());
        let workers = [start(&database, &broom, DECADE), start(&database, &broom, DECADE)];
        until(async || states(&database).await == ["Done"]).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        for worker in workers {
            worker.stop().await;
        }
        // A node that comes later does it no second time either.
        let late = start(&database, &broom, DECADE);
        tokio::time::sleep(Duration::from_millis(300)).await;
        late.stop().await;
        assert_eq!((broom.count(), states(&database).await.len()), (1, 1));
    }

    pub(super) async fn accounts_are_erased_after_their_time(database: QueueDatabase) {
        let broom = Arc::new(Broom::default());
        for (erase_after, days) in [(Duration::from_hours(48), 2), (Duration::ZERO, 0), (Duration::MAX, 36_525)] {
            let job = PurgeJob {
                housekeeping: broom.clone(),
                clock: Arc::new(SystemClock),
                queue: queue(&database),
                schedule: Schedule::every(DECADE),
                erase_after,
            };
            job.run(json!({"version": 1})).await.unwrap();
            let limits = broom.limits.lock().unwrap().unwrap();
            assert_eq!((limits.now - limits.erase_deleted_by).num_days(), days);
        }
    }

    pub(super) async fn every_period_has_its_job(database: QueueDatabase) {
        let broom = Arc::new(Broom::default());
        let worker = start(&database, &broom, Duration::from_secs(1));
        until(async || broom.count() >= 3).await;
        worker.stop().await;
    }

    pub(super) async fn a_failed_job_is_not_tried_again_in_its_period(database: QueueDatabase) {
        let broom = Arc::new(Broom { fails: AtomicBool::new(true), ..Broom::default() });
        let worker = start(&database, &broom, DECADE);
        until(async || states(&database).await == ["Failed"]).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        worker.stop().await;
        assert_eq!(broom.count(), 1);
    }

    pub(super) async fn a_panic_ends_the_job_only(database: QueueDatabase) {
        let broom = Arc::new(Broom { panics: AtomicBool::new(true), ..Broom::default() });
        let worker = start(&database, &broom, DECADE);
        until(async || states(&database).await == ["Failed"]).await;
        broom.panics.store(false, Ordering::SeqCst);
        queue(&database).ring(&Purge::new(), "another").await.unwrap();
        until(async || broom.count() == 2 && states(&database).await.contains(&"Done".to_owned())).await;
        worker.stop().await;
    }

    pub(super) async fn a_worker_starts_again_after_its_database_failed(database: QueueDatabase) {
        let broom = Arc::new(Broom::default());
        let worker = start(&database, &broom, DECADE);
        until(async || states(&database).await == ["Done"]).await;
        // Takes the row away that its heartbeat is written to: on PostgreSQL that ends the worker.
        execute(
            &database,
            "UPDATE Jobs SET lock_by = NULL; DELETE FROM Workers",
            "UPDATE apalis.jobs SET lock_by = NULL; DELETE FROM apalis.workers",
        )
        .await;
        queue(&database).ring(&Purge::new(), "after").await.unwrap();
        until(async || broom.count() == 2).await;
        worker.stop().await;
    }

    pub(super) async fn old_jobs_and_workers_are_swept(database: QueueDatabase) {
        let broom = Arc::new(Broom::default());
        let worker = start(&database, &broom, DECADE);
        until(async || states(&database).await == ["Done"]).await;
        worker.stop().await;
        let sweep = queue(&database);
        assert_eq!(sweep.sweep(SystemClock.now() - chrono::Duration::hours(1)).await.unwrap(), 0);
        assert_eq!(sweep.sweep(SystemClock.now() + chrono::Duration::seconds(2)).await.unwrap(), 1);
        assert_eq!(states(&database).await, Vec::<String>::new());
        // The last beat of the worker's heart may come after its end.
        until(async || {
            sweep.sweep(SystemClock.now() + chrono::Duration::seconds(2)).await.unwrap();
            workers(&database).await == 0
        })
        .await;
    }

    pub(super) async fn unknown_payloads_fail_and_harm_nothing_else(database: QueueDatabase) {
        let broom = Arc::new(Broom::default());
        let queue = queue(&database);
        for (key, payload) in [("a", json!({"version": 2})), ("b", json!([])), ("c", json!(null))] {
            queue.ring(&payload, key).await.unwrap();
        }
        let worker = start(&database, &broom, DECADE);
        until(async || {
            let mut states = states(&database).await;
            states.sort_unstable();
            states == ["Done", "Failed", "Failed", "Failed"]
        })
        .await;
        worker.stop().await;
        assert_eq!(broom.count(), 1);
    }

    pub(super) async fn a_job_is_either_cancelled_or_done(database: QueueDatabase) {
        let (broom, register) = (Arc::new(Broom::default()), Register::new(database.clone()));
        let worker = start(&database, &broom, DECADE);
        until(async || states(&database).await == ["Done"]).await;
        let mut cancelled = 0;
        for number in 0..20 {
            queue(&database).ring(&Purge::new(), &format!("raced {number}")).await.unwrap();
            // From before the worker's next poll to after it.
            tokio::time::sleep(Duration::from_millis(number * 5)).await;
            let page = register.list(&JobFilter::default(), &PageRequest::default()).await.unwrap();
            cancelled += usize::from(register.cancel(&page.items[0].id, SystemClock.now()).await.unwrap());
        }
        let is_over = |state: &String| state == "Done" || state == "Killed";
        until(async || states(&database).await.iter().all(is_over)).await;
        worker.stop().await;
        let done = states(&database).await.iter().filter(|state| *state == "Done").count();
        assert_eq!(done, 21 - cancelled);
        assert_eq!(usize::try_from(broom.count()).unwrap(), done);
    }

    pub(super) async fn a_failed_job_can_be_done_again(database: QueueDatabase) {
        let (broom, register) = (Arc::new(Broom::default()), Register::new(database.clone()));
        broom.panics.store(true, Ordering::SeqCst);
        let worker = start(&database, &broom, DECADE);
        until(async || states(&database).await == ["Failed"]).await;
        let failed = JobFilter { state: Some(JobState::Failed), ..JobFilter::default() };
        let page = register.list(&failed, &PageRequest::default()).await.unwrap();
        broom.panics.store(false, Ordering::SeqCst);
        assert!(register.retry(&page.items[0].id, SystemClock.now()).await.unwrap());
        until(async || states(&database).await == ["Done"]).await;
        assert!(!register.retry(&page.items[0].id, SystemClock.now()).await.unwrap());
        worker.stop().await;
    }

    fn queue(database: &QueueDatabase) -> Queue {
        Queue { database: database.clone(), name: purge::QUEUE }
    }

    async fn workers(database: &QueueDatabase) -> i64 {
        let (sqlite, postgres) = ("SELECT count(*) FROM Workers", "SELECT count(*) FROM apalis.workers");
        match database {
            QueueDatabase::Sqlite(pool) => sqlx::query_scalar(sqlite).fetch_one(pool).await.unwrap(),
            QueueDatabase::Postgres(pool) => sqlx::query_scalar(postgres).fetch_one(pool).await.unwrap(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_ends_leaves_no_transaction_open() {
    on_postgres(async |database| {
        let QueueDatabase::Postgres(pool) = &database else { return };
        let apart = PgPool::connect_with(PgConnectOptions::clone(&pool.connect_options())).await.unwrap();
        let (broom, poll_interval) = (Arc::new(Broom::default()), Duration::from_millis(1));
        for pause in 0..40 {
            // It polls all the time, so that it is often stopped in the middle of a poll.
            let worker = start_with(&database, &broom, JobsOptions { poll_interval, ..JobsOptions::default() });
            tokio::time::sleep(Duration::from_millis(pause)).await;
            worker.stop().await;
            // Every transaction holds a lock on an id of its own.
            let open = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
                WHERE locktype = 'virtualxid' AND datname = current_database() AND pid <> pg_backend_pid()";
            until(async || sqlx::query_scalar::<_, i64>(open).fetch_one(&apart).await.unwrap() == 0).await;
        }
        apart.close().await;
    })
    .await;
}

#[tokio::test]
async fn the_apps_role_may_ring_and_no_more() {
    let Some(database) = migrated().await else { return };
    let pool = pool_as(&database.app_url, "tenantry_app").await;
    let queue = Queue { database: QueueDatabase::Postgres(pool.clone()), name: purge::QUEUE };
    queue.ring(&Purge::new(), "from a request").await.unwrap();
    for refused in ["SELECT * FROM apalis.jobs", "DELETE FROM apalis.jobs", "SELECT * FROM apalis.workers"] {
        let error = sqlx::raw_sql(refused).execute(&pool).await.unwrap_err();
        assert!(error.to_string().contains("permission denied"), "{error}");
    }
    pool.close().await;
}

#[tokio::test]
async fn migrating_leaves_sqlite_as_durable_as_it_was() {
    on_sqlite(async |database| {
        let QueueDatabase::Sqlite(pool) = database else { unreachable!() };
        let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&pool).await.unwrap();
        assert_eq!(synchronous, 2, "FULL");
    })
    .await;
}

#[test]
fn ids_end_in_random_bytes() {
    // What jitter relies on.
    let last: std::collections::HashSet<u8> =
        (0..100).filter_map(|_| SystemIds.next_id().as_bytes().last().copied()).collect();
    assert!(last.len() > 10);
}

//! Background jobs that do nothing, through the worker that does those of a server.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde_json::json;
use tenantry_application::ports::{JobBell as _, JobQueue as _};
use tenantry_identity::PlatformContext;
use tenantry_jobs::{Doorbell, JobFailure, JobHandler, JobRun, JobsOptions, MAIN_QUEUE, Worker, WorkerParts};
use tenantry_kernel::{
    Clock as _, JobId, JobKind, JobTransaction, NewJob, OrganizationId, Store, SystemClock, SystemIds, UserId,
};
use tenantry_store::{Database as Tables, DatabaseUrl, StoreOptions};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::Bench;
use crate::arguments::Kind;
use crate::databases::Database;
use crate::error::Result;
use crate::node::Node;
use crate::report::{Aim, Report, Row};
use crate::statistics::{float, percentile};

const KIND: JobKind = JobKind { name: "bench.nothing", queue: MAIN_QUEUE, max_attempts: 3 };

/// Jobs of the two measurements of rates, and of the one of delays.
const MANY: usize = 20_000;
const FEW: usize = 500;

/// Jobs that one transaction asks for.
const AT_ONCE: usize = 200;

const ORGANIZATIONS: usize = 10;

/// Between two jobs whose delay is measured.
const PAUSE: Duration = Duration::from_millis(8);

/// How long the worker may take for all of them.
const PATIENCE: Duration = Duration::from_mins(2);

/// Says when it was asked.
#[derive(Default)]
struct Nothing {
    count: AtomicUsize,
    started: Mutex<HashMap<JobId, Instant>>,
}

#[async_trait]
impl JobHandler for Nothing {
    async fn handle(&self, run: JobRun) -> std::result::Result<(), JobFailure> {
        let now = Instant::now();
        self.started.lock().unwrap_or_else(PoisonError::into_inner).insert(run.job.lease.job_id, now);
        self.count.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// A worker of this process.
struct AtWork {
    handler: Arc<Nothing>,
    doorbell: Doorbell,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

/// Counts jobs a second, those that wait already and those that are asked for meanwhile, and says how soon jobs start.
pub(super) fn measure(bench: &Bench<'_>, kind: Kind, report: &mut Report) -> Result<()> {
    bench.runtime.block_on(async {
        let Some(database) = Database::create(kind).await? else { return Ok(()) };
        let tables = tables(&bench.server, &database).await?;
        let least = if kind == Kind::Sqlite { 3_000.0 } else { 4_000.0 };
        let row = |measure: &str, result: f64, aim| Row {
            database: kind.name(),
            measure: measure.to_owned(),
            measured: String::new(),
            beside: String::new(),
            result,
            aim,
        };
        let (filled, drained) = wait_then_work(&tables).await?;
        report.add(row("jobs asked for a second", filled, Aim::None));
        report.add(row("jobs done a second, all waiting", drained, Aim::AtLeast(least)));
        report.add(row("jobs asked for and done a second", work_meanwhile(&tables).await?, Aim::AtLeast(least)));
        let mut delays = delays(&tables).await?;
        for (percent, aim) in [(50, Aim::None), (95, Aim::AtMost(10.0)), (99, Aim::None)] {
            let delay = percentile(&mut delays, percent).unwrap_or_default();
            report.add(row(&format!("from asking to start, {percent} %, ms"), delay.as_secs_f64() * 1_000.0, aim));
        }
        tables.close().await;
        Ok(())
    })
}

async fn tables(server: &Path, database: &Database) -> Result<Arc<Tables>> {
    Node::migrate(server, database).await?;
    let variables = database.environment();
    let url = |name| variables.iter().find(|(key, _)| *key == name).map(|(_, url)| DatabaseUrl::parse(url)).transpose();
    let main = url("DATABASE_URL")?.ok_or("the database has no URL")?;
    let options = StoreOptions { platform_url: url("TENANTRY__DATABASE__PLATFORM_URL")?, ..StoreOptions::new(main) };
    Ok(Arc::new(Tables::new(&options)?))
}

fn job(organization: Option<usize>) -> NewJob {
    let job = NewJob::of_platform(KIND, json!({"version": 1}), SystemClock.now(), &SystemIds);
    let Some(number) = organization else { return job };
    let id = uuid::Uuid::from_u128(u128::try_from(number).unwrap_or_default() + 1);
    job.of(OrganizationId::from_uuid(id), UserId::from_uuid(id))
}

/// Asks for jobs of several organisations.
async fn ask(tables: &Tables, many: usize, asked: impl Fn()) -> Result<()> {
    let store: &dyn Store<PlatformContext, dyn JobTransaction> = tables;
    for first in (0..many).step_by(AT_ONCE) {
        let mut transaction = store.begin(&PlatformContext::system()).await?;
        for number in first..many.min(first + AT_ONCE) {
            transaction.jobs().enqueue(&job(Some(number % ORGANIZATIONS))).await?;
        }
        transaction.commit().await?;
        asked();
    }
    Ok(())
}

async fn wait_then_work(tables: &Arc<Tables>) -> Result<(f64, f64)> {
    let start = Instant::now();
    ask(tables, MANY, || ()).await?;
    let filled = float(MANY) / start.elapsed().as_secs_f64();
    let start = Instant::now();
    let worker = AtWork::start(tables);
    worker.finish(MANY).await?;
    Ok((filled, float(MANY) / start.elapsed().as_secs_f64()))
}

async fn work_meanwhile(tables: &Arc<Tables>) -> Result<f64> {
    let worker = AtWork::start(tables);
    let start = Instant::now();
    ask(tables, MANY, || worker.doorbell.ring(KIND.queue)).await?;
    worker.finish(MANY).await?;
    Ok(float(MANY) / start.elapsed().as_secs_f64())
}

/// The time from before a job is asked for, in a transaction of its own, until its handler begins.
async fn delays(tables: &Arc<Tables>) -> Result<Vec<Duration>> {
    let worker = AtWork::start(tables);
    let mut asked = Vec::with_capacity(FEW);
    for _ in 0..FEW {
        sleep(PAUSE).await;
        let job = job(None);
        asked.push((job.id, Instant::now()));
        tables.enqueue(&job).await?;
        worker.doorbell.ring(KIND.queue);
    }
    let handler = worker.handler.clone();
    worker.finish(FEW).await?;
    let started = handler.started.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(asked.iter().filter_map(|(id, at)| started.get(id).map(|start| start.duration_since(*at))).collect())
}

impl AtWork {
    fn start(tables: &Arc<Tables>) -> Self {
        let (handler, doorbell) = (Arc::new(Nothing::default()), Doorbell::alone());
        let worker = Worker::new(WorkerParts {
            queue: tables.clone(),
            housekeeping: tables.clone(),
            doorbell: doorbell.clone(),
            line: None,
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
            options: JobsOptions::default(),
        });
        let worker = worker.doing(KIND.name, handler.clone());
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(worker.run(async move { drop(stopped.await) }));
        Self { handler, doorbell, stop, ended }
    }

    /// Waits until so many jobs are done, and it is stored that they are.
    async fn finish(self, many: usize) -> Result<()> {
        let start = Instant::now();
        while self.handler.count.load(Ordering::Relaxed) < many {
            if start.elapsed() > PATIENCE {
                return Err("the worker does not get on with its jobs".into());
            }
            sleep(Duration::from_millis(2)).await;
        }
        self.stop.send(()).ok();
        Ok(self.ended.await?)
    }
}

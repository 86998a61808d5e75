use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tenantry_application::ports::{Housekeeping, JobBell as _, JobQueue};
use tenantry_application::{AuditKeeper, MAIL_QUEUE, PostOffice};
use tenantry_identity::SigningKeys;
use tenantry_kernel::{Clock, IdGenerator};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::care::Care;
use crate::pool::Pool;
use crate::purge::{PURGE, Purge, purge_of};
use crate::schedule::{Schedule, jitter};
use crate::{Doorbell, JobHandler, JobHandlers, JobsOptions, Line, audit, keys, post};

/// The queue of jobs that need no workers of their own.
pub const MAIN_QUEUE: &str = "main";

/// The first wait after a failure; each further one doubles it.
const FIRST_RETRY: Duration = Duration::from_millis(500);
const LAST_RETRY: Duration = Duration::from_secs(30);

/// How much longer than its jobs a worker may take to stop, to write down how they ended.
const LAST_WORDS: Duration = Duration::from_millis(1_500);

/// What a worker works with.
pub struct WorkerParts {
    /// The queue.
    pub queue: Arc<dyn JobQueue>,
    /// Removes what has expired.
    pub housekeeping: Arc<dyn Housekeeping>,
    /// Wakes the worker.
    pub doorbell: Doorbell,
    /// Where other processes ring, if they can.
    pub line: Option<Arc<dyn Line>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Identifiers.
    pub ids: Arc<dyn IdGenerator>,
    /// How much, and how often.
    pub options: JobsOptions,
}

/// A queue with workers of its own.
pub struct Queue {
    /// Its name.
    pub name: &'static str,
    /// Who does its jobs.
    pub handlers: JobHandlers,
    /// Jobs that this process has of it at the same time.
    pub jobs: u16,
    /// Jobs that one organisation has at the same time, in all processes; none for any number.
    pub most_of_one: Option<u16>,
}

/// Does the jobs of the main queue, looks after all queues, and starts what is due regularly, until told to stop.
///
/// Any number of them may run, in any number of processes.
pub struct Worker {
    parts: WorkerParts,
    handlers: JobHandlers,
    further: Vec<Queue>,
    post_office: Option<Arc<PostOffice>>,
    audit_keeper: Option<Arc<AuditKeeper>>,
    signing_keys: Option<Arc<SigningKeys>>,
}

impl Worker {
    /// A worker with these parts, which does the kinds of jobs that are here.
    #[must_use]
    pub fn new(parts: WorkerParts) -> Self {
        let (housekeeping, clock) = (Arc::clone(&parts.housekeeping), Arc::clone(&parts.clock));
        let JobsOptions { erase_after, keep_runs, .. } = parts.options;
        let purge = Purge { housekeeping, clock, erase_after, keep_runs };
        let handlers = JobHandlers::default().with(PURGE.name, Arc::new(purge));
        Self { parts, handlers, further: Vec::new(), post_office: None, audit_keeper: None, signing_keys: None }
    }

    /// The same, which also does this kind of jobs.
    #[must_use]
    pub fn doing(self, kind: &'static str, handler: Arc<dyn JobHandler>) -> Self {
        Self { handlers: self.handlers.with(kind, handler), ..self }
    }

    /// The same, which also does the jobs of another queue.
    #[must_use]
    pub fn serving(mut self, queue: Queue) -> Self {
        self.further.push(queue);
        self
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
    pub async fn run(mut self, shutdown: impl Future<Output = ()> + Send) {
        let (stop, stopping) = watch::channel(false);
        let (name, handlers) = (MAIN_QUEUE, std::mem::take(&mut self.handlers));
        let main = Queue { name, handlers, jobs: self.parts.options.jobs, most_of_one: None };
        let queues: Vec<Queue> = std::iter::once(main).chain(self.further.drain(..)).collect();
        let work = async {
            tokio::join!(
                self.ask_on_schedule(stopping.clone()),
                join_all(queues.into_iter().map(|queue| self.pool(queue).run(stopping.clone()))),
                self.care().take_until_stopped(stopping.clone()),
                self.listen(stopping.clone()),
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
        if timeout(self.parts.options.drain + LAST_WORDS, work).await.is_err() {
            tracing::warn!("jobs were still running when the worker had to stop");
        }
    }

    fn pool(&self, served: Queue) -> Pool {
        let WorkerParts { queue, doorbell, clock, ids, options, .. } = &self.parts;
        Pool {
            queue: queue.clone(),
            name: served.name,
            handlers: Arc::new(served.handlers),
            most_of_one: served.most_of_one,
            bell: doorbell.of_queue(served.name),
            clock: clock.clone(),
            ids: ids.clone(),
            options: JobsOptions { jobs: served.jobs, ..*options },
        }
    }

    fn care(&self) -> Care {
        let WorkerParts { queue, doorbell, clock, options, .. } = &self.parts;
        Care { queue: queue.clone(), doorbell: doorbell.clone(), clock: clock.clone(), options: *options }
    }

    async fn listen(&self, stopping: watch::Receiver<bool>) {
        if let Some(line) = &self.parts.line {
            self.parts.doorbell.listen(&**line, stopping).await;
        }
    }

    async fn send_mail(&self, stopping: watch::Receiver<bool>) {
        if let Some(office) = &self.post_office {
            let bell = self.parts.doorbell.of_queue(MAIL_QUEUE);
            post::send_until_stopped(office.clone(), &bell, self.parts.options.poll_interval, stopping).await;
        }
    }

    async fn keep_audit_log(&self, stopping: watch::Receiver<bool>) {
        if let Some(keeper) = &self.audit_keeper {
            audit::keep_until_stopped(keeper.clone(), self.parts.options.poll_interval, stopping).await;
        }
    }

    async fn keep_keys(&self, stopping: watch::Receiver<bool>) {
        if let Some(keys) = &self.signing_keys {
            keys::keep_until_stopped(keys.clone(), stopping).await;
        }
    }

    /// Asks for a purge at the start of every period, a little later on every node but the first that comes.
    async fn ask_on_schedule(&self, mut stopping: watch::Receiver<bool>) {
        let WorkerParts { queue, doorbell, clock, ids, options, .. } = &self.parts;
        let schedule = Schedule::every(options.purge_interval);
        let mut retry = FIRST_RETRY;
        loop {
            let now = clock.now();
            let wait = match queue.enqueue(&purge_of(schedule, &**clock, &**ids)).await {
                Ok(is_new) => {
                    if is_new {
                        doorbell.ring(PURGE.queue);
                    }
                    retry = FIRST_RETRY;
                    let spread = (options.purge_interval / 20).min(Duration::from_mins(1));
                    schedule.until_next(now).saturating_add(jitter(&**ids, spread))
                }
                Err(error) => {
                    tracing::warn!(?error, "a purge could not be asked for");
                    let wait = retry / 2 + jitter(&**ids, retry);
                    retry = retry.saturating_mul(2).min(LAST_RETRY);
                    wait
                }
            };
            if stopped_within(&mut stopping, wait).await {
                return;
            }
        }
    }
}

/// Waits; tells whether the worker is to stop.
pub(crate) async fn stopped_within(stopping: &mut watch::Receiver<bool>, wait: Duration) -> bool {
    tokio::select! {
        _ = stopping.wait_for(|stop| *stop) => true,
        () = sleep(wait) => false,
    }
}

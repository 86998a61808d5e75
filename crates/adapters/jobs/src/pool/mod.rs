//! The workers of one queue in this process: so many jobs at the same time, taken and ended many at once.

mod attempt;
mod under_way;

use std::sync::Arc;
use std::time::Duration;

use tenantry_application::ports::JobQueue;
use tenantry_application::{ClaimedJob, JobEnd, JobRequest};
use tenantry_kernel::{Clock, IdGenerator, JobLease, OrganizationId};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use self::attempt::attempt;
use self::under_way::UnderWay;
use crate::handlers::JobSignal;
use crate::{JobHandlers, JobsOptions};

/// Ends that are stored at once.
const ENDS_AT_ONCE: usize = 256;

/// How long a worker waits for more room before it takes jobs for the little that it has.
const ROOM_PATIENCE: Duration = Duration::from_millis(5);

/// The waits between tries to store how jobs ended, and for how long it is tried. Then somebody else does the job again.
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(2);
const STORE_PATIENCE: Duration = Duration::from_mins(5);

/// How a job ended; none if its handler has stored that itself.
type Ended = (JobLease, Option<JobEnd>);

/// Does the jobs of one queue.
pub(crate) struct Pool {
    pub(crate) queue: Arc<dyn JobQueue>,
    pub(crate) name: &'static str,
    pub(crate) handlers: Arc<JobHandlers>,
    pub(crate) most_of_one: Option<u16>,
    pub(crate) bell: Arc<Notify>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdGenerator>,
    pub(crate) options: JobsOptions,
}

impl Pool {
    /// Works until told to stop; what was begun is finished then, or given back.
    pub(crate) async fn run(self, stopping: watch::Receiver<bool>) {
        let under_way = UnderWay::default();
        let (sender, ends) = mpsc::unbounded_channel();
        let work = async {
            tokio::join!(self.take(&under_way, sender, stopping), self.store(&under_way, ends));
        };
        tokio::select! {
            () = work => {}
            // Holds on to jobs for as long as any of them is under way, while the worker stops as well.
            () = self.hold(&under_way) => {}
        }
    }

    async fn take(
        &self,
        under_way: &UnderWay,
        ends: mpsc::UnboundedSender<Ended>,
        mut stopping: watch::Receiver<bool>,
    ) {
        let worker = format!("{}-{}", std::process::id(), self.ids.next_id());
        let mut running: JoinSet<Ended> = JoinSet::new();
        let mut has_more = true;
        let room = usize::from(self.options.jobs.max(1));
        let mut last_try = Instant::now();
        // Where each organisation has a share, the end of a job may make room for another of the same.
        let has_shares = self.most_of_one.is_some();
        while !*stopping.borrow() {
            while let Some(ended) = running.try_join_next() {
                pass_on(&ends, ended);
                has_more |= has_shares;
            }
            let free = room - running.len();
            // Where many are short, to take them one by one would cost more than to do them.
            let is_worth_it = free >= room.div_ceil(4) || (free > 0 && last_try.elapsed() >= ROOM_PATIENCE);
            if has_more && is_worth_it {
                last_try = Instant::now();
                let taken = self.claim(&worker, free).await;
                has_more = taken.as_deref().is_ok_and(|taken| may_be_more(taken, free));
                for job in taken.unwrap_or_default() {
                    self.begin(job, under_way, &mut running);
                }
                continue;
            }
            tokio::select! {
                _ = stopping.wait_for(|stop| *stop) => {}
                () = self.bell.notified() => has_more = true,
                () = sleep(self.options.poll_interval), if !has_more => has_more = true,
                () = sleep(ROOM_PATIENCE), if has_more && free > 0 => {}
                Some(ended) = running.join_next() => {
                    pass_on(&ends, ended);
                    has_more |= has_shares;
                }
            }
        }
        self.drain(under_way, &mut running, &ends).await;
    }

    async fn claim(&self, worker: &str, free: usize) -> Result<Vec<ClaimedJob>, ()> {
        let request = JobRequest {
            queue: self.name,
            worker,
            most: u16::try_from(free).unwrap_or(u16::MAX),
            most_of_one: self.most_of_one,
            lease: self.options.lease,
            at: self.clock.now(),
        };
        self.queue.claim(&request).await.map_err(|error| {
            tracing::warn!(?error, queue = self.name, "no jobs could be taken");
        })
    }

    fn begin(&self, job: ClaimedJob, under_way: &UnderWay, running: &mut JoinSet<Ended>) {
        let (signal, told) = watch::channel(JobSignal::GoOn);
        let (lease, handlers) = (job.lease, Arc::clone(&self.handlers));
        let random = self.ids.next_id();
        let is_stored = handlers.find(&job.kind).is_some_and(|handler| handler.ends_its_jobs());
        let task = running.spawn(async move {
            let end = attempt(&handlers, job, told, random).await;
            (lease, Some(end).filter(|end| !is_stored || *end != JobEnd::Done))
        });
        under_way.add(lease, signal, task);
    }

    /// Waits for the jobs under way, and gives back those that take too long.
    async fn drain(&self, under_way: &UnderWay, running: &mut JoinSet<Ended>, ends: &mpsc::UnboundedSender<Ended>) {
        under_way.tell_all(JobSignal::Stop);
        let finish = async {
            while let Some(ended) = running.join_next().await {
                pass_on(ends, ended);
            }
        };
        if timeout(self.options.drain, finish).await.is_ok() {
            return;
        }
        let left = under_way.abort_running();
        tracing::warn!(count = left.len(), queue = self.name, "jobs are given back, since the worker has to stop");
        running.shutdown().await;
        for lease in left {
            ends.send((lease, Some(JobEnd::Released))).ok();
        }
    }

    /// Stores how jobs ended until no more can come.
    async fn store(&self, under_way: &UnderWay, mut ends: mpsc::UnboundedReceiver<Ended>) {
        let mut some = Vec::with_capacity(ENDS_AT_ONCE);
        while ends.recv_many(&mut some, ENDS_AT_ONCE).await > 0 {
            let leases: Vec<JobLease> = some.iter().map(|(lease, _)| *lease).collect();
            let untold: Vec<_> = some.drain(..).filter_map(|(lease, end)| Some((lease, end?))).collect();
            if !untold.is_empty() {
                self.store_all(&untold).await;
            }
            under_way.remove(leases.into_iter());
        }
    }

    async fn store_all(&self, some: &[(JobLease, JobEnd)]) {
        let (begin, mut wait) = (Instant::now(), FIRST_RETRY);
        loop {
            match self.queue.settle(some, self.clock.now()).await {
                Ok(counted) => {
                    if counted.len() < some.len() {
                        let count = some.len() - counted.len();
                        tracing::warn!(count, queue = self.name, "jobs had been lost to other workers, or had ended");
                    }
                    return;
                }
                Err(error) if begin.elapsed() < STORE_PATIENCE => {
                    tracing::warn!(?error, ?wait, "how jobs ended could not be stored, and is tried again");
                }
                Err(error) => {
                    tracing::error!(?error, count = some.len(), "how jobs ended could not be stored");
                    return;
                }
            }
            sleep(wait).await;
            wait = wait.saturating_mul(2).min(LAST_RETRY);
        }
    }

    /// Holds on to the jobs under way, for ever.
    async fn hold(&self, under_way: &UnderWay) {
        let interval = self.options.lease / 4;
        loop {
            sleep(interval).await;
            let leases = under_way.older_than(interval / 2);
            if leases.is_empty() {
                continue;
            }
            match self.queue.hold(&leases, self.options.lease).await {
                Ok(held) => under_way.learn(&leases, &held),
                Err(error) => tracing::warn!(?error, count = leases.len(), "jobs could not be held on to"),
            }
        }
    }
}

/// Whether there may be more jobs than were taken: some organisation has filled its share.
fn may_be_more(taken: &[ClaimedJob], asked: usize) -> bool {
    let mut owners: Vec<Option<OrganizationId>> = taken.iter().map(|job| job.organization_id).collect();
    owners.sort_unstable();
    let of_one = owners.chunk_by(PartialEq::eq).map(<[_]>::len).max().unwrap_or_default();
    let different = owners.chunk_by(PartialEq::eq).count();
    of_one > 0 && of_one >= asked / different.max(1)
}

/// What was aborted has no end to tell of.
fn pass_on(ends: &mpsc::UnboundedSender<Ended>, ended: Result<Ended, tokio::task::JoinError>) {
    match ended {
        // Nobody listens any more only when the worker is dropped.
        Ok(ended) => drop(ends.send(ended)),
        Err(error) if error.is_cancelled() => {}
        Err(error) => tracing::error!(%error, "a worker of jobs panicked"),
    }
}

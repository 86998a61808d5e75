//! Who follows which job: one look at the database for all who follow the same one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tenantry_kernel::OrganizationId;
use tenantry_sync::RunId;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::view::StatusView;
use crate::event_streams::Place;

/// How often a job is looked at.
const INTERVAL: Duration = Duration::from_millis(250);

/// The jobs that are followed, and by how many each. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct FollowedJobs(Arc<Mutex<HashMap<Followed, Followers>>>);

/// A job of an organisation's.
type Followed = (OrganizationId, RunId);

/// How many follow it, and what they see of it.
type Followers = (usize, Arc<Job<StatusView>>);

/// A job that is followed, of which a status is seen.
pub(super) struct Job<S> {
    /// Whoever holds this looks for all; it says when somebody last did.
    looked_at: tokio::sync::Mutex<Instant>,
    seen: watch::Sender<Option<S>>,
}

/// A seat among those who follow a job, given up when it is dropped.
pub(super) struct Seat {
    jobs: FollowedJobs,
    followed: Followed,
    job: Arc<Job<StatusView>>,
    _place: Place,
}

impl FollowedJobs {
    /// A seat among those who follow the job of the place's organisation.
    pub(super) fn join(&self, place: Place, run_id: RunId) -> Seat {
        let followed = (place.organization_id(), run_id);
        let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (followers, job) = jobs.entry(followed).or_insert_with(|| (0, Arc::new(Job::new())));
        *followers += 1;
        Seat { jobs: self.clone(), followed, job: job.clone(), _place: place }
    }
}

impl<S: PartialEq> Job<S> {
    fn new() -> Self {
        Self { looked_at: tokio::sync::Mutex::new(Instant::now()), seen: watch::Sender::new(None) }
    }

    /// What is seen of the job from now on.
    pub fn follow(&self) -> watch::Receiver<Option<S>> {
        self.seen.subscribe()
    }

    /// Waits until it is time to look again and nobody else does, asks, and tells all who follow. Dropped, it leaves that
    /// to another.
    pub async fn look<E>(&self, ask: impl AsyncFnOnce() -> Result<S, E>) -> Result<(), E> {
        let mut looked_at = self.looked_at.lock().await;
        sleep_until(*looked_at + INTERVAL).await;
        let status = ask().await;
        *looked_at = Instant::now();
        let status = Some(status?);
        self.seen.send_if_modified(|seen| {
            let is_new = *seen != status;
            *seen = status;
            is_new
        });
        Ok(())
    }
}

impl Seat {
    /// The job.
    pub fn job(&self) -> &Job<StatusView> {
        &self.job
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut jobs = self.jobs.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((followers, _)) = jobs.get_mut(&self.followed) {
            *followers -= 1;
            if *followers == 0 {
                jobs.remove(&self.followed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tenantry_kernel::{IdGenerator as _, OrganizationId, SystemIds, UserId};

    use super::*;
    use crate::event_streams::{EventStreams, MostStreams};

    #[test]
    fn who_follows_the_same_job_does_so_together() {
        let organization = || OrganizationId::from_uuid(SystemIds.next_id());
        let user = || UserId::from_uuid(SystemIds.next_id());
        let streams = EventStreams::new(MostStreams { of_organization: 2, of_user: 2 });
        let (one, other) = (organization(), organization());
        let run = RunId::from_uuid(SystemIds.next_id());
        let join = |organization_id| streams.jobs().join(streams.take(organization_id, user()).unwrap(), run);
        let (first, second, elsewhere) = (join(one), join(one), join(other));
        assert!(Arc::ptr_eq(&first.job, &second.job));
        assert!(!Arc::ptr_eq(&first.job, &elsewhere.job), "but not with another organization");
        drop((first, second, elsewhere));
        assert!(streams.jobs().0.lock().unwrap().is_empty(), "nothing is left behind");
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_follow_a_job_it_is_looked_at_once_an_interval() {
        let (job, looks) = (Arc::new(Job::new()), Arc::new(AtomicU32::new(0)));
        let since = Instant::now();
        let followers = (0..100).map(|_| {
            let (job, looks) = (job.clone(), looks.clone());
            tokio::spawn(async move {
                let mut seen = job.follow();
                while *seen.borrow_and_update() != Some(8) {
                    let ask = async || Ok::<_, Infallible>(looks.fetch_add(1, Ordering::Relaxed) + 1);
                    tokio::select! {
                        looked = job.look(ask) => looked.unwrap(),
                        changed = seen.changed() => changed.unwrap(),
                    }
                }
            })
        });
        for follower in followers.collect::<Vec<_>>() {
            follower.await.unwrap();
        }
        assert_eq!((looks.load(Ordering::Relaxed), since.elapsed()), (8, 8 * INTERVAL));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_looks_for_all_may_leave_at_any_time() {
        let job = Arc::new(Job::new());
        let leaving = job.clone();
        let stuck =
            tokio::spawn(async move { leaving.look(async || std::future::pending::<Result<u32, ()>>().await).await });
        tokio::time::sleep(2 * INTERVAL).await;
        let mut seen = job.follow();
        let staying = tokio::spawn(async move { job.look(async || Ok::<_, ()>(1)).await });
        tokio::time::sleep(2 * INTERVAL).await;
        assert!(!seen.has_changed().unwrap());
        stuck.abort();
        staying.await.unwrap().unwrap();
        assert_eq!(*seen.borrow_and_update(), Some(1));
    }
}

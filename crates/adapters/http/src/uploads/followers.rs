//! Who follows which job: one look at the database for all who follow the same one, and a limit of how many there are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tenantry_kernel::{OrganizationId, UserId};
use tenantry_sync::RunId;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::view::StatusView;

/// How often a job is looked at.
const INTERVAL: Duration = Duration::from_millis(250);

/// How many streams of events there may be at the same time.
#[derive(Debug, Clone, Copy)]
pub struct MostStreams {
    /// To the members of one organisation.
    pub of_organization: usize,
    /// To one of them.
    pub of_user: usize,
}

/// The streams of events that this process sends. Clones are the same.
#[derive(Clone)]
pub struct EventStreams(Arc<Streams>);

struct Streams {
    most: MostStreams,
    organizations: Mutex<HashMap<OrganizationId, Followed>>,
}

/// What is followed of an organisation.
#[derive(Default)]
struct Followed {
    /// The jobs, and by how many each.
    jobs: HashMap<RunId, (usize, Arc<Job<StatusView>>)>,
    /// How many streams each member has.
    users: HashMap<UserId, usize>,
}

/// A job that is followed, of which a status is seen.
pub(super) struct Job<S> {
    /// Whoever holds this looks for all; it says when somebody last did.
    looked_at: tokio::sync::Mutex<Instant>,
    seen: watch::Sender<Option<S>>,
}

/// A place among those who follow a job, given up when it is dropped.
pub(super) struct Seat {
    streams: Arc<Streams>,
    organization_id: OrganizationId,
    user_id: UserId,
    run_id: RunId,
    job: Arc<Job<StatusView>>,
}

impl EventStreams {
    /// No stream yet, and no more than so many.
    #[must_use]
    pub fn new(most: MostStreams) -> Self {
        Self(Arc::new(Streams { most, organizations: Mutex::default() }))
    }

    /// A place among those who follow the job; none while its organisation, or whoever asks, has as many as it may.
    pub(super) fn join(&self, organization_id: OrganizationId, user_id: UserId, run_id: RunId) -> Option<Seat> {
        let most = self.0.most;
        let mut organizations = self.0.organizations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Followed { users, .. }) = organizations.get(&organization_id) {
            let of_user = users.get(&user_id).copied().unwrap_or_default();
            if users.values().sum::<usize>() >= most.of_organization || of_user >= most.of_user {
                return None;
            }
        }
        let followed = organizations.entry(organization_id).or_default();
        *followed.users.entry(user_id).or_default() += 1;
        let (followers, job) = followed.jobs.entry(run_id).or_insert_with(|| (0, Arc::new(Job::new())));
        *followers += 1;
        Some(Seat { streams: self.0.clone(), organization_id, user_id, run_id, job: job.clone() })
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
        let mut organizations = self.streams.organizations.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(followed) = organizations.get_mut(&self.organization_id) else { return };
        if let Some((followers, _)) = followed.jobs.get_mut(&self.run_id) {
            *followers -= 1;
        }
        if let Some(streams) = followed.users.get_mut(&self.user_id) {
            *streams -= 1;
        }
        followed.jobs.retain(|_, (followers, _)| *followers > 0);
        followed.users.retain(|_, streams| *streams > 0);
        if followed.users.is_empty() {
            organizations.remove(&self.organization_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tenantry_kernel::{IdGenerator as _, SystemIds};

    use super::*;

    fn organization() -> OrganizationId {
        OrganizationId::from_uuid(SystemIds.next_id())
    }

    fn run() -> RunId {
        RunId::from_uuid(SystemIds.next_id())
    }

    fn user() -> UserId {
        UserId::from_uuid(SystemIds.next_id())
    }

    #[test]
    fn an_organization_has_so_many_streams_and_no_more() {
        let streams = EventStreams::new(MostStreams { of_organization: 2, of_user: 2 });
        let (one, other, job) = (organization(), organization(), run());
        let first = streams.join(one, user(), job).unwrap();
        let second = streams.join(one, user(), job).unwrap();
        assert!(Arc::ptr_eq(&first.job, &second.job), "who follows the same one does so together");
        assert!(streams.join(one, user(), run()).is_none());
        let elsewhere = streams.join(other, user(), job).unwrap();
        assert!(!Arc::ptr_eq(&first.job, &elsewhere.job), "but not with another organization");
        drop(first);
        let third = streams.join(one, user(), run()).unwrap();
        drop((second, third, elsewhere));
        assert!(streams.0.organizations.lock().unwrap().is_empty(), "nothing is left behind");
    }

    #[test]
    fn c6_nobody_takes_the_streams_of_all() {
        let streams = EventStreams::new(MostStreams { of_organization: 4, of_user: 2 });
        let (one, other, greedy) = (organization(), organization(), user());
        let first = streams.join(one, greedy, run()).unwrap();
        let _second = streams.join(one, greedy, run()).unwrap();
        assert!(streams.join(one, greedy, run()).is_none());
        let _elsewhere = streams.join(other, greedy, run()).unwrap();
        let _colleague = streams.join(one, user(), run()).unwrap();
        drop(first);
        let _third = streams.join(one, greedy, run()).unwrap();
        let _last = streams.join(one, user(), run()).unwrap();
        assert!(streams.join(one, user(), run()).is_none(), "the organization has its four");
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

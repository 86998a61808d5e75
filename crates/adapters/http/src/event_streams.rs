//! Streams of server-sent events: what all of them share, and how many an organisation has.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_ENCODING, ContentEncoding},
    web::Bytes,
};
use futures_util::Stream;
use tenantry_kernel::{OrganizationId, UserId};

use crate::{
    problem::{ErrorCode, Problem},
    uploads::FollowedJobs,
};

/// How often it is asked whether whoever follows still may.
pub(crate) const CHECKS: Duration = Duration::from_secs(5);

/// How long it takes at most until a stream notices that the server is to stop, or that nobody is there any more.
pub(crate) const GLANCE: Duration = Duration::from_secs(1);

/// How long nothing is sent at most, so that neither side takes the other for gone.
pub(crate) const SILENCE: Duration = Duration::from_secs(15);

/// What is sent when there is nothing to send.
pub(crate) const KEEP_ALIVE: Bytes = Bytes::from_static(b": still here\n\n");

/// Seconds after which one may ask again, where there are too many streams.
const RETRY_AFTER: u64 = 10;

/// The streams of events that this process sends. Clones are the same.
#[derive(Clone)]
pub struct EventStreams {
    places: Arc<Places>,
    jobs: FollowedJobs,
}

/// How many streams of events there may be at the same time.
#[derive(Debug, Clone, Copy)]
pub struct MostStreams {
    /// To the members of one organisation.
    pub of_organization: usize,
    /// To one of them.
    pub of_user: usize,
}

struct Places {
    most: MostStreams,
    /// How many streams each member of an organisation has.
    taken: Mutex<HashMap<OrganizationId, HashMap<UserId, usize>>>,
}

/// A stream of an organisation's, which makes room for another when it is dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    organization_id: OrganizationId,
    user_id: UserId,
}

impl EventStreams {
    /// No stream yet, and no more than so many.
    #[must_use]
    pub fn new(most: MostStreams) -> Self {
        Self { places: Arc::new(Places { most, taken: Mutex::default() }), jobs: FollowedJobs::default() }
    }

    /// A place for one more stream, unless the organisation, or whoever asks, has as many as it may.
    pub(crate) fn take(&self, organization_id: OrganizationId, user_id: UserId) -> Result<Place, Problem> {
        let most = self.places.most;
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(users) = taken.get(&organization_id) {
            let of_user = users.get(&user_id).copied().unwrap_or_default();
            if users.values().sum::<usize>() >= most.of_organization || of_user >= most.of_user {
                return Err(Problem::new(ErrorCode::RateLimited).with_retry_after(RETRY_AFTER));
            }
        }
        *taken.entry(organization_id).or_default().entry(user_id).or_default() += 1;
        Ok(Place { places: self.places.clone(), organization_id, user_id })
    }

    /// Who follows which job.
    pub(crate) fn jobs(&self) -> &FollowedJobs {
        &self.jobs
    }
}

impl Place {
    /// Whose it is.
    pub(crate) fn organization_id(&self) -> OrganizationId {
        self.organization_id
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(users) = taken.get_mut(&self.organization_id) else { return };
        if let Some(count) = users.get_mut(&self.user_id) {
            *count -= 1;
        }
        users.retain(|_, count| *count > 0);
        if users.is_empty() {
            taken.remove(&self.organization_id);
        }
    }
}

/// The answer that is these events.
pub(crate) fn respond(events: impl Stream<Item = Result<Bytes, Problem>> + 'static) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store, no-transform"))
        // Proxies of the kind that gather answers let this one through.
        .insert_header(("x-accel-buffering", "no"))
        // Compression would hold events back.
        .insert_header((CONTENT_ENCODING, ContentEncoding::Identity))
        .streaming(events)
}

#[cfg(test)]
mod tests {
    use tenantry_kernel::{IdGenerator as _, SystemIds};

    use super::*;

    fn organization() -> OrganizationId {
        OrganizationId::from_uuid(SystemIds.next_id())
    }

    fn user() -> UserId {
        UserId::from_uuid(SystemIds.next_id())
    }

    #[test]
    fn an_organization_has_so_many_streams_and_no_more() {
        let streams = EventStreams::new(MostStreams { of_organization: 2, of_user: 2 });
        let (one, other) = (organization(), organization());
        let first = streams.take(one, user()).unwrap();
        let second = streams.take(one, user()).unwrap();
        assert_eq!(streams.take(one, user()).err().map(|problem| problem.code()), Some(ErrorCode::RateLimited));
        let elsewhere = streams.take(other, user()).unwrap();
        drop(first);
        let third = streams.take(one, user()).unwrap();
        drop((second, third, elsewhere));
        assert!(streams.places.taken.lock().unwrap().is_empty(), "nothing is left behind");
    }

    #[test]
    fn c6_nobody_takes_the_streams_of_all() {
        let streams = EventStreams::new(MostStreams { of_organization: 4, of_user: 2 });
        let (one, other, greedy) = (organization(), organization(), user());
        let first = streams.take(one, greedy).unwrap();
        let _second = streams.take(one, greedy).unwrap();
        assert!(streams.take(one, greedy).is_err());
        let _elsewhere = streams.take(other, greedy).unwrap();
        let _colleague = streams.take(one, user()).unwrap();
        drop(first);
        let _third = streams.take(one, greedy).unwrap();
        let _last = streams.take(one, user()).unwrap();
        assert!(streams.take(one, user()).is_err(), "the organization has its four");
    }
}

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
use tenantry_kernel::OrganizationId;

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

struct Places {
    most_of_one: usize,
    taken: Mutex<HashMap<OrganizationId, usize>>,
}

/// A stream of an organisation's, which makes room for another when it is dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    organization_id: OrganizationId,
}

impl EventStreams {
    /// No stream yet, and no more than so many of one organisation.
    #[must_use]
    pub fn new(most_of_one: usize) -> Self {
        Self { places: Arc::new(Places { most_of_one, taken: Mutex::default() }), jobs: FollowedJobs::default() }
    }

    /// A place for one more stream, unless the organisation has as many as it may.
    pub(crate) fn take(&self, organization_id: OrganizationId) -> Result<Place, Problem> {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.get(&organization_id).copied().unwrap_or_default();
        if count >= self.places.most_of_one {
            return Err(Problem::new(ErrorCode::RateLimited).with_retry_after(RETRY_AFTER));
        }
        taken.insert(organization_id, count + 1);
        Ok(Place { places: self.places.clone(), organization_id })
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
        if let Some(count) = taken.get_mut(&self.organization_id) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.organization_id);
            }
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

    #[test]
    fn an_organization_has_so_many_streams_and_no_more() {
        let organization = || OrganizationId::from_uuid(SystemIds.next_id());
        let (streams, one, other) = (EventStreams::new(2), organization(), organization());
        let first = streams.take(one).unwrap();
        let second = streams.take(one).unwrap();
        assert_eq!(streams.take(one).err().map(|problem| problem.code()), Some(ErrorCode::RateLimited));
        let elsewhere = streams.take(other).unwrap();
        drop(first);
        let third = streams.take(one).unwrap();
        drop((second, third, elsewhere));
        assert!(streams.places.taken.lock().unwrap().is_empty(), "nothing is left behind");
    }
}

//! The use cases of readings over a store, without anybody who answers.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::NaiveDate;
use serde_json::json;
use tenantry_application::JobRequest;
use tenantry_kernel::{Clock as _, IdGenerator as _, JobLease, OrganizationId, SystemIds};
use tenantry_readings::ports::{AskingLimits, LiveReadings};
use tenantry_readings::{
    AskingRules, Budget, Catalogue, Chunk, Commission, DatedPrice, Desk, Frame, OnDisconnect, Piece, Price, PriceTable,
    READING_JOB, Reading, ReadingId, Readings, Sequence, Usage,
};
use tenantry_tenancy::{Entrance, TenantContext};

use super::{advisor, route, usd};
use crate::{FixedClock, Person, World};

/// Nobody answers in this process, and what happens elsewhere is seen after a moment.
struct Elsewhere;

#[async_trait]
impl LiveReadings for Elsewhere {
    fn recall(&self, _: ReadingId, _: Sequence) -> Option<Vec<Chunk>> {
        None
    }

    async fn stirred(&self, _: ReadingId, _: Sequence) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    async fn ended(&self, _: ReadingId) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    fn stir(&self, _: ReadingId) {}
}

struct NoLimits;

#[async_trait]
impl AskingLimits for NoLimits {
    async fn take(&self, _: OrganizationId, _: u64) -> Result<(), Duration> {
        Ok(())
    }
}

/// Those who ask, and those who answer.
pub(super) struct Services {
    pub readings: Arc<Readings>,
    pub desk: Desk,
}

/// A million tokens cost a dollar, read or written.
fn prices() -> Arc<PriceTable> {
    let from = NaiveDate::from_ymd_opt(2026, 1, 1).expect("a day");
    let price = Price { prompt_per_million: usd("1"), completion_per_million: usd("1"), per_call: usd("0") };
    let of = |model| DatedPrice { provider: route(model).provider, model: route(model).model, from, price };
    Arc::new(PriceTable::new(vec![of("small"), of("large")]))
}

/// Answers of organisations' own advisors are cancelled when nobody listens.
fn catalogue() -> Arc<Catalogue> {
    let own_on_disconnect = OnDisconnect::CancelAfter(Duration::from_secs(30));
    Arc::new(Catalogue { advisors: vec![advisor("legba")], own_routes: vec![route("small")], own_on_disconnect })
}

/// What was used of an answer: 0.000003 dollars.
pub(super) const USAGE: Usage = Usage { prompt_tokens: 1, completion_tokens: 2, cost: None };

impl World {
    pub(super) fn services(&self, budget: Budget, reuse_for: Option<Duration>) -> Services {
        let rules = AskingRules {
            catalogue: catalogue(),
            prices: prices(),
            budget,
            max_completion_tokens: 1_000,
            time_limit: Duration::from_mins(5),
            reuse_for,
        };
        let (tenants, clock) = (Arc::clone(&self.ports.readings), self.clock.clone());
        let ids = Arc::new(SystemIds);
        let readings = Readings::new(tenants, Arc::new(Elsewhere), Arc::new(NoLimits), rules, clock, ids);
        Services { readings: Arc::new(readings), desk: self.desk(self.clock.clone()) }
    }

    pub(super) fn desk(&self, clock: Arc<FixedClock>) -> Desk {
        let entrance = Arc::new(Entrance::new(Arc::clone(&self.ports.own_memberships)));
        let (platform, tenants) = (Arc::clone(&self.ports.reading_desk), Arc::clone(&self.ports.readings));
        Desk::new(platform, tenants, entrance, catalogue(), prices(), clock)
    }

    /// A worker's right to answer the reading; none if nobody asked for it.
    pub(super) async fn lease_on(&self, id: ReadingId, lease: Duration) -> Option<JobLease> {
        let worker = SystemIds.next_id().to_string();
        let (queue, at) = (READING_JOB.queue, self.clock.now());
        self.ports.job_queue.tend(at).await.expect("a look at the queue");
        let request = JobRequest { queue, worker: &worker, most: 200, most_of_one: None, lease, at };
        let taken = self.ports.job_queue.claim(&request).await.expect("jobs");
        let payload = json!({"version": 1, "reading_id": id});
        taken.into_iter().find(|job| job.payload == payload).map(|job| job.lease)
    }
}

impl Services {
    /// Takes a reading up as a worker does.
    pub(super) async fn take(&self, world: &World, id: ReadingId) -> (JobLease, Commission) {
        let lease = world.lease_on(id, Duration::from_mins(1)).await.expect("a lease");
        let commission = self.desk.take(lease, id).await.expect("an answer").expect("something to do");
        (lease, commission)
    }

    /// Everything that somebody gets who follows from behind `after`.
    pub(super) async fn follow(&self, context: &TenantContext, id: ReadingId, after: Sequence) -> Vec<Frame> {
        let mut follower = self.readings.follow(context, id, after).await.expect("a reading");
        let mut frames = Vec::new();
        while let Some(frame) = follower.next().await.expect("a frame") {
            frames.push(frame);
        }
        frames
    }

    pub(super) async fn ask(&self, person: &Person, text: &str) -> Reading {
        self.readings.ask(&person.owner, super::question(text)).await.expect("a reading")
    }
}

pub(super) fn piece(text: &str) -> Piece {
    Piece::Text(text.to_owned())
}

//! Somebody who answers readings where there are no workers.

use std::sync::Arc;
use std::time::Duration;

use tenantry_app::node::Node;
use tenantry_application::ClaimedJob;
use tenantry_application::JobRequest;
use tenantry_application::ports::JobQueue as _;
use tenantry_kernel::{Clock as _, JobLease, SystemClock};
use tenantry_readings::{Desk, Draft, Piece, READING_JOB, ReadingId, ReadingStatus};
use tenantry_store::Database;

/// Answers every question with the same words.
pub struct Answerer {
    database: Database,
    desk: Desk,
}

impl Answerer {
    pub fn of(node: &Node) -> Self {
        let (database, readings) = (node.database.clone(), &node.settings.readings);
        let store = Arc::new(database.clone());
        let (catalogue, prices) = (readings.catalogue().unwrap(), readings.prices().unwrap());
        let desk = Desk::new(
            store.clone(),
            store,
            node.services.entrance.clone(),
            Arc::new(catalogue),
            Arc::new(prices),
            Arc::new(SystemClock),
        );
        Self { database, desk }
    }

    pub async fn work(self) {
        loop {
            let request = JobRequest {
                queue: READING_JOB.queue,
                worker: "answerer",
                most: 20,
                most_of_one: None,
                lease: Duration::from_mins(1),
                at: SystemClock.now(),
            };
            // Whatever is wrong, the next look may see something better.
            for ClaimedJob { lease, payload, .. } in self.database.claim(&request).await.unwrap_or_default() {
                let id = serde_json::from_value(payload["reading_id"].clone()).unwrap();
                self.answer(lease, id).await;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn answer(&self, lease: JobLease, id: ReadingId) {
        let Ok(Some(commission)) = self.desk.take(lease, id).await else { return };
        let mut draft = Draft::new();
        draft.ask(commission.manner.routes[0].clone());
        let chunks =
            vec![draft.add(Piece::Text("Both ways, ".to_owned())), draft.add(Piece::Text("in turn.".to_owned()))];
        drop(self.desk.end(lease, &commission, &draft, (ReadingStatus::Completed, None), chunks).await);
    }
}

//! Workers that find nothing to do stand in nobody's way.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbBackend};
use tenantry_kernel::Transaction;
use tenantry_sync::WorkerName;
use tenantry_sync::ports::RunQueue;
use tokio::time::timeout;

use super::fixture::{TestStore, at, stores};
use crate::StoreTransaction;
use crate::scope::Scope;
use crate::transaction::Mode;

/// Holds whatever a look for runs would have to wait for that locks: on SQLite there is one writer.
async fn in_the_way(test: &TestStore) -> StoreTransaction {
    let transaction = test.database.begin(Scope::platform(), Mode::Write).await.unwrap();
    if transaction.get_database_backend() == DbBackend::Postgres {
        transaction.execute_unprepared("LOCK TABLE sync_runs, sync_turns IN EXCLUSIVE MODE").await.unwrap();
    }
    transaction
}

#[tokio::test]
async fn u8_a_worker_without_work_waits_for_no_writer() {
    for test in stores().await {
        let writer = in_the_way(&test).await;
        let (queue, worker): (&dyn RunQueue, _) = (&test.database, WorkerName::new("idle".to_owned()));
        let looks = async {
            assert_eq!(queue.claim(&worker, Duration::from_secs(9), 1, at(0)).await.unwrap(), None);
            assert_eq!(queue.reap(at(0)).await.unwrap(), 0);
            assert_eq!(queue.end_idle(at(0), at(0)).await.unwrap(), []);
        };
        timeout(Duration::from_secs(2), looks).await.expect("a look that waits for a writer");
        Box::new(writer).commit().await.unwrap();
    }
}

//! A database that goes away for a moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::{Connection as _, PgConnection};
use tenantry_kernel::{StorageError, Store, Transaction};
use tenantry_store::Database;
use tenantry_sync::RunState;
use tenantry_sync::ports::{
    CycleRepository, Destinations, FileRepository, RunRepository, SyncSessionRepository, SyncTransaction,
};
use tenantry_tenancy::TenantContext;
use tokio::time::sleep;

use super::fixture::{Site, noise, postgres, quick, sites};
use super::stores::HookedStore;

/// Ends all connections of those who serve, as an administrator would. A login may do that to its own.
async fn terminate(site: &Site) {
    let test = site.postgres.as_ref().unwrap();
    for url in [&test.app_url, &test.platform_url] {
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()",
        )
        .execute(&mut connection)
        .await
        .unwrap();
        connection.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_a_run_outlives_a_database_that_goes_away() {
    let Some(site) = postgres().await else { return };
    let (memory, ada) = (site.memory(), &site.ada);
    (0..300).for_each(|number| ada.write(&number.to_string(), noise(100)));
    (0..4).for_each(|number| ada.write(&format!("large {number}"), noise(1 << 20)));
    let slow: Arc<HookedStore> = HookedStore::new(memory.clone(), |_| Box::pin(sleep(Duration::from_millis(30))));
    let _worker = site.worker(slow.clone());
    let session = site.session(ada, |_| {}).await;
    let id = site.start(ada, &session).await;
    let mut times = 0;
    while site.number("SELECT count(*) FROM sync_runs WHERE state IN ('queued', 'started')").await > 0 {
        terminate(&site).await;
        times += 1;
        sleep(Duration::from_millis(110)).await;
    }
    assert!(times > 5, "{times}");
    // Connections that were ended are found out one by one.
    let run = loop {
        match site.uploads.status(&ada.context, id).await {
            Ok(run) => break run,
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
    };
    assert_eq!((run.state, run.crashes), (RunState::Finished, 0), "{run:?}");
    assert_eq!((run.progress.total_files, run.progress.files_uploaded), (304, 304), "{run:?}");
    assert_eq!(run.progress.bytes_uploaded, run.progress.total_bytes);
    assert!(slow.sent().values().all(|times| *times == 1), "{:?}", slow.sent());
    ada.assert_arrived(&memory);
}

/// A database whose answer to every other commit is lost on the way.
struct LosesReplies {
    database: Arc<Database>,
    commits: Arc<AtomicU32>,
}

struct Unheard {
    transaction: Box<dyn SyncTransaction>,
    commits: Arc<AtomicU32>,
}

#[async_trait]
impl Store<TenantContext, dyn SyncTransaction> for LosesReplies {
    async fn read(&self, context: &TenantContext) -> Result<Box<dyn SyncTransaction>, StorageError> {
        Store::<TenantContext, dyn SyncTransaction>::read(&*self.database, context).await
    }

    async fn begin(&self, context: &TenantContext) -> Result<Box<dyn SyncTransaction>, StorageError> {
        let transaction = Store::<TenantContext, dyn SyncTransaction>::begin(&*self.database, context).await?;
        Ok(Box::new(Unheard { transaction, commits: self.commits.clone() }))
    }
}

#[async_trait]
impl Transaction for Unheard {
    async fn commit(self: Box<Self>) -> Result<(), StorageError> {
        self.transaction.commit().await?;
        let is_lost = self.commits.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
        if is_lost { Err(StorageError::Unavailable("the reply was lost".into())) } else { Ok(()) }
    }
}

impl SyncTransaction for Unheard {
    fn cycles(&mut self) -> &mut dyn CycleRepository {
        self.transaction.cycles()
    }

    fn sync_sessions(&mut self) -> &mut dyn SyncSessionRepository {
        self.transaction.sync_sessions()
    }

    fn runs(&mut self) -> &mut dyn RunRepository {
        self.transaction.runs()
    }

    fn files(&mut self) -> &mut dyn FileRepository {
        self.transaction.files()
    }

    fn destinations(&mut self) -> &mut dyn Destinations {
        self.transaction.destinations()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_what_was_written_down_counts_once_though_the_reply_was_lost() {
    for site in sites().await {
        let (memory, ada) = (site.memory(), &site.ada);
        (0..250).for_each(|number| ada.write(&number.to_string(), noise(10)));
        ada.write("large", noise(1 << 20));
        let store = LosesReplies { database: site.database.clone(), commits: Arc::new(AtomicU32::new(0)) };
        let _worker = site.worker_over(Arc::new(store), memory.clone(), quick());
        let session = site.session(ada, |new| new.delete_extraneous = true).await;
        let run = site.complete(ada, &session).await;
        assert_eq!((run.progress.files_uploaded, run.progress.total_bytes), (251, 2_500 + (1 << 20)));
        (0..7).for_each(|number| ada.remove(&number.to_string()));
        let run = site.complete(ada, &session).await;
        assert_eq!((run.progress.files_skipped, run.progress.files_deleted), (244, 7));
        ada.assert_arrived(&memory);
    }
}

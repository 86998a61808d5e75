use std::sync::Arc;
use std::time::Duration;

use tenantry_application::ports::JobBell as _;
use tenantry_kernel::SystemIds;
use tenantry_store::SqlPool;
use tokio::time::timeout;

use super::fixture::{Broom, Folder, Place, quick, start_on, until};
use crate::{Courier, Doorbell, JobsOptions, Line, MAIN_QUEUE, PostgresLine, RedisLine};

/// A worker in another process than the one that rings looks by itself once in a test's life: it must be woken along the
/// line.
async fn is_heard(place: &Place, ours: Arc<dyn Line>, theirs: Arc<dyn Line>) {
    let folder = Arc::new(Folder::default());
    let (doorbell, _) = Doorbell::on(theirs.clone());
    let options = JobsOptions { poll_interval: Duration::from_mins(5), ..quick() };
    let worker = start_on(place, &folder, &Arc::new(Broom::default()), options, (doorbell, Some(theirs)));
    let (bell, courier): (Doorbell, Courier) = Doorbell::on(ours);
    let carrying = tokio::spawn(courier.carry());
    tokio::time::sleep(Duration::from_millis(700)).await;
    for count in 1..=5 {
        place.ask_to_fold().await;
        bell.ring(MAIN_QUEUE);
        until(async || folder.done() == count).await;
    }
    drop(bell);
    timeout(Duration::from_secs(5), carrying).await.unwrap().unwrap();
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_processes_are_heard_along_postgres() {
    let Some(place) = Place::on_postgres().await else { return };
    let SqlPool::Postgres(pool) = place.database.background_pool() else { panic!("PostgreSQL") };
    let line = || Arc::new(PostgresLine::new(pool.clone(), &SystemIds));
    is_heard(&place, line(), line()).await;
    place.database.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_processes_are_heard_along_redis() {
    let Some(redis) = tenantry_testkit::RedisServer::start() else { return };
    let place = Place::on_sqlite().await;
    let line = || Arc::new(RedisLine::new(&redis.url().into(), &SystemIds).unwrap());
    is_heard(&place, line(), line()).await;
}

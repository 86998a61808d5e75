//! Runs whose time has come.

use std::time::Duration;

use futures_util::future::join_all;
use tenantry_sync::{RunState, Schedule};
use tokio::time::sleep;

use super::fixture::{Site, sites};

const RUNS: &str = "SELECT count(*) FROM sync_runs";
const ACTIVE: &str = "SELECT count(*) FROM sync_runs WHERE state IN ('queued', 'started')";
/// Longer than it takes until a worker looks again.
const A_LOOK: Duration = Duration::from_millis(1_300);

async fn hourly(site: &Site) -> tenantry_sync::SyncSession {
    site.session(&site.ada, |new| new.schedule = Some(Schedule::parse("0 * * * *").unwrap())).await
}

async fn comes_and_comes_again(site: Site) {
    site.ada.write("file", b"bytes");
    let memory = site.memory();
    let _workers: Vec<_> = (0..3).map(|_| site.worker(memory.clone())).collect();
    let session = hourly(&site).await;
    sleep(A_LOOK).await;
    assert_eq!(site.number(RUNS).await, 0);
    for round in 1..=2 {
        site.clock.advance(chrono::Duration::minutes(60));
        site.reaches(RUNS, round).await;
        sleep(A_LOOK).await;
        assert_eq!((site.number(RUNS).await, site.number(ACTIVE).await), (round, 0));
        let run = site.find(&site.ada, &session).await.last_run.unwrap();
        assert_eq!(run.state, RunState::Finished);
    }
    site.ada.assert_arrived(&memory);
}

#[tokio::test(flavor = "multi_thread")]
async fn u7_a_session_whose_time_has_come_starts_once() {
    join_all(sites().await.into_iter().map(comes_and_comes_again)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn u7_of_two_workers_that_see_a_session_due_one_starts_it() {
    for site in sites().await {
        let session = hourly(&site).await;
        site.clock.advance(chrono::Duration::minutes(60));
        // The first one's run has ended before the second one comes to it.
        for _ in 0..2 {
            site.uploads.start_scheduled(&site.ada.context, session.id).await.unwrap();
            if let Some(run) = site.find(&site.ada, &session).await.last_run
                && run.state.is_active()
            {
                site.uploads.cancel(&site.ada.context, run.id).await.unwrap();
            }
        }
        assert_eq!(site.number(RUNS).await, 1);
        // One that is still at it is left alone, and the schedule goes on.
        let id = site.start(&site.ada, &session).await;
        site.clock.advance(chrono::Duration::minutes(60));
        site.uploads.start_scheduled(&site.ada.context, session.id).await.unwrap();
        site.uploads.cancel(&site.ada.context, id).await.unwrap();
        site.uploads.start_scheduled(&site.ada.context, session.id).await.unwrap();
        assert_eq!(site.number(RUNS).await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u7_a_schedule_whose_folder_is_gone_goes_on() {
    for site in sites().await {
        let session = hourly(&site).await;
        std::fs::remove_dir(&site.ada.folder).unwrap();
        site.clock.advance(chrono::Duration::minutes(60));
        assert!(site.uploads.start_scheduled(&site.ada.context, session.id).await.is_err());
        assert!(site.uploads.start_scheduled(&site.ada.context, session.id).await.is_ok(), "it is not due any more");
        std::fs::create_dir(&site.ada.folder).unwrap();
        site.clock.advance(chrono::Duration::minutes(60));
        site.uploads.start_scheduled(&site.ada.context, session.id).await.unwrap();
        assert_eq!(site.number(RUNS).await, 1);
    }
}

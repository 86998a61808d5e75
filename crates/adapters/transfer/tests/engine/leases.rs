//! Who does a run, and what becomes of those who are thought dead.

use std::sync::Arc;
use std::time::Duration;

use tenantry_sync::objects::ObjectStore as _;
use tenantry_sync::{Retries, Run, RunState, SessionStatus, SyncError};
use tenantry_testkit::objects::{Calls, Operation};
use tenantry_transfer::engine::TransferOptions;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::fixture::{Door, noise, quick, sites, sqlite};
use super::stores::{HookedStore, Seen};

/// What holds calls back until it says so.
fn gate(is_held: impl Fn(&Seen) -> bool + Send + Sync + 'static) -> (watch::Sender<bool>, impl HookFn) {
    let (open, is_open) = watch::channel(false);
    let hook = move |seen: Seen| -> futures_util::future::BoxFuture<'static, ()> {
        let (is_held, mut is_open) = (is_held(&seen), is_open.clone());
        Box::pin(async move {
            if is_held {
                drop(is_open.wait_for(|is_open| *is_open).await);
            }
        })
    };
    (open, hook)
}

trait HookFn: Fn(Seen) -> futures_util::future::BoxFuture<'static, ()> + Send + Sync + 'static {}
impl<F: Fn(Seen) -> futures_util::future::BoxFuture<'static, ()> + Send + Sync + 'static> HookFn for F {}

fn is_put(seen: &Seen) -> bool {
    seen.operation == Operation::Put
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_a_run_is_done_by_one_of_many_workers() {
    for site in sites().await {
        let memory = site.memory();
        (0..50).for_each(|number| site.ada.write(&number.to_string(), noise(10)));
        let _workers: Vec<_> = (0..4).map(|_| site.worker(memory.clone())).collect();
        let session = site.session(&site.ada, |_| {}).await;
        for round in 1..=3 {
            let run = site.complete(&site.ada, &session).await;
            assert_eq!((run.progress.total_files, run.crashes), (50, 0));
            assert_eq!((memory.calls().put, memory.calls().list_uploads), (50, round));
        }
    }
}

/// A worker stands still with a file in its hands, another one takes over and stores a newer version; then the first
/// one goes on. `is_known` is whether there was an object before.
async fn stand_still(is_known: bool, size: usize) {
    for site in sites().await {
        let (memory, ada) = (site.memory(), &site.ada);
        let session = site.session(ada, |new| new.times_to_retry = Retries::parse(5).unwrap()).await;
        if is_known {
            ada.write("file", noise(7));
            let worker = site.worker(memory.clone());
            site.complete(ada, &session).await;
            worker.stop().await;
        }
        ada.write("file", noise(size));
        let (go_on, hook) = gate(|seen| matches!(seen.operation, Operation::Put | Operation::CompleteUpload));
        let stuck = HookedStore::new(memory.clone(), hook);
        let (door, shut) = Door::of(&site);
        // With room for one run, so that it does not take its own again.
        let _first = site.worker_over(door, stuck.clone(), TransferOptions { runs: 1, ..quick() });
        let id = site.start(ada, &session).await;
        let (parts, since) = (size.div_ceil(64 << 10), Instant::now());
        let is_sent = || stuck.sent().len() == if size > 128 << 10 { parts } else { 1 };
        while !is_sent() {
            assert!(since.elapsed() < Duration::from_secs(20));
            sleep(Duration::from_millis(5)).await;
        }
        // So that the parts are written down, and the file is in the hands of the store.
        sleep(Duration::from_millis(300)).await;
        shut.send_replace(true);
        ada.write("file", noise(size + 1));
        sleep(Duration::from_millis(50)).await;
        site.expire_leases().await;
        let _second = site.worker(memory.clone());
        let run = site.ended(ada, id).await;
        assert_eq!((run.state, run.crashes, run.progress.files_uploaded), (RunState::Finished, 1, 1), "{run:?}");
        ada.assert_arrived(&memory);
        let object = memory.objects();
        go_on.send_replace(true);
        shut.send_replace(false);
        sleep(Duration::from_millis(500)).await;
        assert_eq!(memory.objects(), object, "the older version has won");
        assert_eq!(site.run(ada, id).await, run, "the first worker was heard");
        let again = site.complete(ada, &session).await;
        assert_eq!(again.progress.files_skipped, 1);
        assert_eq!(memory.open_uploads(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_a_worker_that_was_thought_dead_does_not_write_an_older_version_over_a_newer_one() {
    stand_still(true, 1_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_a_worker_that_was_thought_dead_does_not_write_first_when_it_is_second() {
    stand_still(false, 1_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_a_worker_that_was_thought_dead_does_not_complete_an_older_version() {
    stand_still(true, 300_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_a_run_over_which_five_workers_died_is_given_up() {
    for site in sites().await {
        let session = site.session(&site.ada, |_| {}).await;
        let id = site.start(&site.ada, &session).await;
        for crashes in 1..=Run::MAX_CRASHES {
            let claim = site.claim("mortal", Duration::from_mins(1)).await.unwrap();
            assert_eq!(claim.lease.run_id, id);
            assert!(site.claim("other", Duration::from_mins(1)).await.is_none());
            assert_eq!(site.reap().await, 0, "it is held");
            site.expire_leases().await;
            assert_eq!(site.reap().await, 1);
            let run = site.run(&site.ada, id).await;
            assert_eq!(run.crashes, crashes);
            if crashes > 1 {
                assert!(site.claim("hasty", Duration::from_mins(1)).await.is_none(), "it waits first");
            }
            site.execute("UPDATE sync_runs SET run_after_ms = 0").await;
        }
        let run = site.run(&site.ada, id).await;
        assert_eq!(run.state, RunState::Failed);
        assert_eq!(run.error.as_deref(), Some("given up after the workers that tried it died"));
        assert_eq!(site.find(&site.ada, &session).await.status(), SessionStatus::Failed);
        assert!(site.claim("late", Duration::from_mins(1)).await.is_none());
        let _worker = site.worker(site.memory());
        site.complete(&site.ada, &session).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_a_worker_that_is_to_stop_hands_its_run_on() {
    for site in sites().await {
        let (memory, ada) = (site.memory(), &site.ada);
        (0..200).for_each(|number| ada.write(&number.to_string(), noise(10)));
        let slow = HookedStore::new(memory.clone(), |_| Box::pin(sleep(Duration::from_millis(80))));
        let first = site.worker(slow.clone());
        let session = site.session(ada, |_| {}).await;
        let id = site.start(ada, &session).await;
        site.when(ada, id, |run| run.progress.files_uploaded > 0).await;
        let since = Instant::now();
        first.stop().await;
        assert!(since.elapsed() < quick().drain, "{:?}", since.elapsed());
        let run = site.run(ada, id).await;
        assert_eq!((run.state, run.crashes), (RunState::Queued, 0));
        let sent = memory.calls().put;
        assert!(sent < 200 && run.progress.files_uploaded == sent, "what was begun was let through, and written down");
        let _second = site.worker(memory.clone());
        let run = site.ended(ada, id).await;
        assert_eq!((run.state, run.progress.files_uploaded, memory.calls().put), (RunState::Finished, 200, 200));
        ada.assert_arrived(&memory);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_a_store_that_is_silent_does_not_keep_a_worker_from_stopping() {
    let site = sqlite().await;
    site.ada.write("file", b"bytes");
    let options = TransferOptions { drain: Duration::from_millis(500), ..quick() };
    let silent = HookedStore::silent(site.memory());
    let first = site.worker_with(silent.clone(), options);
    let session = site.session(&site.ada, |_| {}).await;
    let id = site.start(&site.ada, &session).await;
    while silent.sent().is_empty() {
        sleep(Duration::from_millis(5)).await;
    }
    let since = Instant::now();
    first.stop().await;
    assert!(since.elapsed() < Duration::from_millis(600));
    assert_eq!(site.run(&site.ada, id).await.state, RunState::Queued);
}

#[tokio::test(flavor = "multi_thread")]
async fn u7_a_run_is_cancelled_at_once_while_it_waits_and_soon_while_it_is_done() {
    for site in sites().await {
        let (memory, ada) = (site.memory(), &site.ada);
        (0..100).for_each(|number| ada.write(&number.to_string(), noise(10)));
        let session = site.session(ada, |_| {}).await;
        let queued = site.start(ada, &session).await;
        let cancelled = site.uploads.cancel(&ada.context, queued).await.unwrap();
        assert_eq!(cancelled.state, RunState::Cancelled);
        assert!(matches!(site.uploads.cancel(&ada.context, queued).await, Err(SyncError::NothingToDo)));
        assert_eq!(site.find(ada, &session).await.status(), SessionStatus::Cancelled);

        let (go_on, hook) = gate(is_put);
        let _worker = site.worker(HookedStore::new(memory.clone(), hook));
        let started = site.start(ada, &session).await;
        site.when(ada, started, |run| run.is_scanned).await;
        let asked = site.uploads.cancel(&ada.context, started).await.unwrap();
        assert_eq!((asked.state, asked.cancel_requested), (RunState::Started, true));
        let since = Instant::now();
        let run = site.ended(ada, started).await;
        assert_eq!((run.state, run.progress.files_failed), (RunState::Cancelled, 0));
        assert!(since.elapsed() < Duration::from_secs(4));
        go_on.send_replace(true);
        let run = site.complete(ada, &session).await;
        assert_eq!(run.progress.files_uploaded, 100);
        ada.assert_arrived(&memory);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_a_run_that_was_cancelled_before_its_worker_died_stays_cancelled() {
    for site in sites().await {
        site.ada.write("file", b"bytes");
        let session = site.session(&site.ada, |_| {}).await;
        let id = site.start(&site.ada, &session).await;
        site.claim("mortal", Duration::from_mins(1)).await.unwrap();
        site.uploads.cancel(&site.ada.context, id).await.unwrap();
        site.expire_leases().await;
        let memory = site.memory();
        let _worker = site.worker(memory.clone());
        assert_eq!(site.ended(&site.ada, id).await.state, RunState::Cancelled);
        assert_eq!(memory.calls(), Calls::default());
        assert!(memory.list("", None, 1).await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_one_run_of_a_session_is_active_at_a_time() {
    for site in sites().await {
        let session = Arc::new(site.session(&site.ada, |_| {}).await);
        let start = || {
            let start =
                tenantry_sync::StartRun { id: None, session_id: session.id, dry_run: false, confirmed_deletions: 0 };
            site.uploads.start(&site.ada.context, start)
        };
        let outcomes = futures_util::future::join_all((0..8).map(|_| start())).await;
        let (started, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!(started.len(), 1);
        let active = started[0].as_ref().unwrap().id;
        assert!(refused.iter().all(|refusal| matches!(refusal, Err(SyncError::SessionActive(id)) if *id == active)));
    }
}

//! What a store may do, and what becomes of the run then.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tenantry_sync::objects::ObjectStore;
use tenantry_sync::{FileState, Retries, RunState};
use tenantry_testkit::objects::{Call, Failure, Fault, FaultyStore, Operation, S3Server};
use tenantry_transfer::engine::TransferOptions;

use super::fixture::{Tenant, noise, quick, sqlite};
use super::stores::bucket;

/// Small files, and one of five parts.
fn fill(tenant: &Tenant) {
    for number in 0..40 {
        tenant.write(&format!("small {number}"), noise(number * 10));
    }
    tenant.write("large", noise(300_000));
}

fn is_write(operation: Operation) -> bool {
    use Operation::{CompleteUpload, CreateUpload, Put, UploadPart};
    matches!(operation, Put | CreateUpload | UploadPart | CompleteUpload)
}

/// Each write goes wrong in this way the first time.
fn once_each(fault: Fault) -> impl Fn(Call<'_>) -> Fault + Send + Sync + 'static {
    let seen = Mutex::new(HashSet::new());
    move |call| {
        let is_new =
            is_write(call.operation) && seen.lock().unwrap().insert((call.operation, call.key.to_owned(), call.part));
        if is_new { fault } else { Fault::None }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_what_fails_once_arrives_all_the_same() {
    let faults = [
        Fault::Before(Failure::Unavailable),
        Fault::Before(Failure::HangUp),
        Fault::Before(Failure::ChecksumMismatch),
        Fault::Before(Failure::Throttled(None)),
        Fault::Before(Failure::Throttled(Some(Duration::from_millis(3)))),
        Fault::After(Failure::Unavailable),
        Fault::After(Failure::HangUp),
        Fault::After(Failure::Throttled(None)),
        Fault::After(Failure::ChecksumMismatch),
        Fault::Late(Duration::from_millis(20)),
    ];
    let site = sqlite().await;
    fill(&site.ada);
    for fault in faults {
        for by_protocol in [false, true] {
            let memory = site.memory();
            let direct: Arc<dyn ObjectStore> = Arc::new(FaultyStore::new(memory.clone(), once_each(fault)));
            let server = S3Server::over(direct.clone()).await;
            let store = if by_protocol { bucket(&server).await } else { direct };
            let worker = site.worker(store);
            // A session of its own, whose prefix no other one knows.
            let tenant = &site.ada;
            let session = site.session(tenant, |_| {}).await;
            site.execute("DELETE FROM sync_files").await;
            let run = site.complete(tenant, &session).await;
            assert_eq!(run.progress.files_uploaded, 41, "{fault:?}");
            tenant.assert_arrived(&memory);
            site.clock.advance(chrono::Duration::seconds(1));
            site.complete(tenant, &session).await;
            assert_eq!(memory.open_uploads(), 0, "{fault:?}");
            worker.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_what_keeps_failing_is_said_and_stops_nothing_else() {
    let failures = [
        (Failure::Unavailable, "the object store failed"),
        (Failure::HangUp, "the object store failed"),
        (Failure::ChecksumMismatch, "the checksum does not match"),
        (Failure::Refused("AccessDenied"), "the store refuses: AccessDenied"),
    ];
    let site = sqlite().await;
    fill(&site.ada);
    for (failure, message) in failures {
        let memory = site.memory();
        let faulty = FaultyStore::new(memory.clone(), move |call| {
            let is_bad = call.key.ends_with("small 7") || call.key.ends_with("large") && call.part == 3;
            if is_bad { Fault::Before(failure) } else { Fault::None }
        });
        let worker = site.worker(Arc::new(faulty));
        let session = site.session(&site.ada, |new| new.times_to_retry = Retries::parse(2).unwrap()).await;
        site.execute("DELETE FROM sync_files").await;
        let run = site.go(&site.ada, &session).await;
        assert_eq!(run.state, RunState::Finished, "{failure:?}: {run:?}");
        assert_eq!((run.progress.files_uploaded, run.progress.files_failed), (39, 2), "{failure:?}");
        let sent: u64 = (0..40_u64).filter(|number| *number != 7).map(|number| number * 10).sum();
        assert_eq!(run.progress.bytes_uploaded, sent, "{failure:?}");
        let files = site.files(&site.ada, &session).await;
        for name in ["small 7", "large"] {
            assert_eq!(files[name].state, FileState::Failed, "{failure:?}");
            assert_eq!(files[name].error.as_deref(), Some(message), "{failure:?}");
        }
        let tries = if matches!(failure, Failure::Refused(_)) { 1 } else { 3 };
        assert_eq!(files["small 7"].attempts, tries, "{failure:?}");
        assert_eq!((memory.objects().len(), memory.open_uploads()), (39, 0), "{failure:?}");
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_a_store_that_asks_for_patience_gets_it_however_often() {
    let site = sqlite().await;
    let memory = site.memory();
    site.ada.write("large", noise(1 << 20));
    (0..20).for_each(|number| site.ada.write(&format!("small {number}"), noise(100)));
    // Each of them eight times: no file has so many tries.
    let asked: Mutex<HashMap<(String, u32), u32>> = Mutex::default();
    let faulty = FaultyStore::new(memory.clone(), move |call| {
        let mut asked = asked.lock().unwrap();
        let count = asked.entry((call.key.to_owned(), call.part)).or_default();
        *count += 1;
        let is_asked = is_write(call.operation) && *count <= 8;
        if is_asked { Fault::Before(Failure::Throttled(Some(Duration::from_millis(2)))) } else { Fault::None }
    });
    let _worker = site.worker(Arc::new(faulty));
    let session = site.session(&site.ada, |new| new.times_to_retry = Retries::parse(0).unwrap()).await;
    site.complete(&site.ada, &session).await;
    site.ada.assert_arrived(&memory);
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_a_store_that_refuses_everything_ends_the_run_early() {
    let site = sqlite().await;
    (0..500).for_each(|number| site.ada.write(&number.to_string(), noise(10)));
    let asked = Arc::new(AtomicU32::new(0));
    let count = asked.clone();
    let faulty = FaultyStore::new(site.memory(), move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        Fault::Before(Failure::Refused("AccessDenied"))
    });
    let _worker = site.worker(Arc::new(faulty));
    let session = site.session(&site.ada, |_| {}).await;
    let run = site.go(&site.ada, &session).await;
    assert_eq!(run.state, RunState::Failed);
    assert_eq!(run.error.as_deref(), Some("the object store refuses every file: AccessDenied"));
    assert!(asked.load(Ordering::Relaxed) < 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_an_object_that_somebody_else_has_put_there_is_replaced() {
    let site = sqlite().await;
    let memory = site.memory();
    fill(&site.ada);
    let worker = site.worker(memory.clone());
    let session = site.session(&site.ada, |new| new.times_to_retry = Retries::parse(0).unwrap()).await;
    site.complete(&site.ada, &session).await;
    // What is known of the objects is lost, and the files are others.
    site.execute("DELETE FROM sync_files").await;
    fill(&site.ada);
    let run = site.complete(&site.ada, &session).await;
    assert_eq!(run.progress.files_uploaded, 41);
    site.ada.assert_arrived(&memory);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_an_upload_that_is_gone_is_begun_anew() {
    let site = sqlite().await;
    let memory = site.memory();
    site.ada.write("large", noise(300_000));
    let (aborting, handle) = (memory.clone(), tokio::runtime::Handle::current());
    let left = AtomicU32::new(2);
    // Somebody aborts it, once before a part and once before it is completed.
    let faulty = FaultyStore::new(memory.clone(), move |call| {
        let is_due = match call.operation {
            Operation::UploadPart => call.part == 4 && left.load(Ordering::Relaxed) == 2,
            Operation::CompleteUpload => left.load(Ordering::Relaxed) == 1,
            _ => false,
        };
        if is_due {
            left.fetch_sub(1, Ordering::Relaxed);
            let memory = aborting.clone();
            tokio::task::block_in_place(|| {
                handle.block_on(async {
                    for upload in memory.list_uploads("").await.unwrap() {
                        memory.abort_upload(&upload.key, &upload.upload_id).await.unwrap();
                    }
                });
            });
        }
        Fault::None
    });
    let options = TransferOptions { orphan_age: Duration::from_hours(1), ..quick() };
    let _worker = site.worker_with(Arc::new(faulty), options);
    let session = site.session(&site.ada, |_| {}).await;
    site.complete(&site.ada, &session).await;
    site.ada.assert_arrived(&memory);
    assert_eq!((memory.calls().create_upload, memory.open_uploads()), (3, 0));
}

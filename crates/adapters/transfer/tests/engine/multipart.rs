//! Large files, and what is left of them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tenantry_sync::objects::{ObjectKey, ObjectStore as _};
use tenantry_sync::{MaxWorkers, RunState};
use tenantry_testkit::objects::{Failure, Fault, FaultyStore, MemoryStore, Operation, S3Server};
use tenantry_transfer::engine::TransferOptions;

use super::fixture::{Site, noise, number, quick, sites, sqlite};
use super::stores::{HookedStore, Seen, bucket};

const PARTS: &str = "SELECT count(*) FROM sync_parts";

/// A store that takes parts up to a number, and says nothing to the rest.
fn stuck_after(memory: &Arc<MemoryStore>, last: u32) -> Arc<HookedStore> {
    HookedStore::new(memory.clone(), move |seen: Seen| {
        let is_stuck = seen.part > last || seen.operation == Operation::CompleteUpload;
        if is_stuck { Box::pin(std::future::pending()) } else { Box::pin(std::future::ready(())) }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_only_the_parts_that_are_missing_are_sent_by_the_next_worker() {
    for site in sites().await {
        let (memory, ada) = (site.memory(), &site.ada);
        ada.write("large", noise((1 << 20) - 5));
        let session = site.session(ada, |_| {}).await;
        let id = site.start(ada, &session).await;
        let first = site.worker(stuck_after(&memory, 8));
        site.reaches(PARTS, 8).await;
        first.crash().await;
        assert_eq!(site.run(ada, id).await.progress.bytes_uploaded, 8 * (64 << 10));
        site.expire_leases().await;
        let rest = HookedStore::counting(memory.clone());
        let _second = site.worker(rest.clone());
        let run = site.ended(ada, id).await;
        assert_eq!((run.state, run.crashes, run.progress.files_uploaded), (RunState::Finished, 1, 1));
        assert_eq!(run.progress.bytes_uploaded, run.progress.total_bytes);
        let sent: Vec<u32> = rest.sent().into_keys().map(|(_, part)| part).collect();
        assert_eq!(sent, (9..=16).collect::<Vec<_>>());
        assert_eq!((memory.calls().create_upload, memory.open_uploads()), (1, 0));
        ada.assert_arrived(&memory);
        assert_eq!(site.number(PARTS).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_by_the_protocol_too_only_missing_parts_are_sent() {
    let site = sqlite().await;
    let (memory, ada) = (site.memory(), &site.ada);
    ada.write("large", noise(21 << 20));
    let server = S3Server::over(memory.clone()).await;
    let store = bucket(&server).await;
    let options = TransferOptions { memory_bytes: 64 << 20, part_bytes: 5 << 20, ..quick() };
    let session = site.session(ada, |_| {}).await;
    let id = site.start(ada, &session).await;
    let stuck = HookedStore::new(store.clone(), |seen: Seen| {
        if seen.part > 3 { Box::pin(std::future::pending()) } else { Box::pin(std::future::ready(())) }
    });
    let first = site.worker_with(stuck, options.clone());
    site.reaches(PARTS, 3).await;
    first.crash().await;
    site.expire_leases().await;
    let rest = HookedStore::counting(store);
    let _second = site.worker_with(rest.clone(), options);
    let run = site.ended(ada, id).await;
    assert_eq!((run.state, run.progress.files_uploaded), (RunState::Finished, 1));
    assert_eq!(rest.sent().into_keys().map(|(_, part)| part).collect::<Vec<_>>(), [4, 5]);
    ada.assert_arrived(&memory);
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_an_upload_is_written_down_before_its_first_part() {
    for site in sites().await {
        let (raw, seen) = (site.raw.clone(), Arc::new(Mutex::new(Vec::new())));
        let noted = seen.clone();
        let store = HookedStore::new(site.memory(), move |call: Seen| {
            let (raw, noted) = (raw.clone(), noted.clone());
            Box::pin(async move {
                if call.operation == Operation::UploadPart {
                    let known = number(&raw, "SELECT count(*) FROM sync_files WHERE upload_id IS NOT NULL").await;
                    noted.lock().unwrap().push(known);
                }
            })
        });
        site.ada.write("large", noise(200_000));
        let _worker = site.worker(store);
        let session = site.session(&site.ada, |_| {}).await;
        site.complete(&site.ada, &session).await;
        assert_eq!(*seen.lock().unwrap(), [1, 1, 1, 1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_a_file_that_changed_meanwhile_is_begun_anew() {
    for site in sites().await {
        for size in [700_000, 1_000] {
            let (memory, ada) = (site.memory(), &site.bob);
            site.execute("DELETE FROM sync_files").await;
            ada.write("large", noise(1 << 20));
            let session = site.session(ada, |_| {}).await;
            let id = site.start(ada, &session).await;
            let first = site.worker(stuck_after(&memory, 8));
            site.reaches(PARTS, 8).await;
            first.crash().await;
            ada.write("large", noise(size));
            site.expire_leases().await;
            let second = site.worker(memory.clone());
            let run = site.ended(ada, id).await;
            assert_eq!((run.state, run.progress.files_uploaded), (RunState::Finished, 1), "{run:?}");
            assert_eq!(run.progress.bytes_uploaded, u64::try_from(size).unwrap());
            assert_eq!(run.progress.bytes_uploaded, run.progress.total_bytes);
            ada.assert_arrived(&memory);
            assert_eq!((memory.open_uploads(), site.number(PARTS).await), (0, 0));
            second.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_the_next_run_goes_on_where_a_cancelled_one_was() {
    for site in sites().await {
        let (memory, ada) = (site.memory(), &site.ada);
        ada.write("large", noise(1 << 20));
        let session = site.session(ada, |_| {}).await;
        let id = site.start(ada, &session).await;
        let first = site.worker(stuck_after(&memory, 8));
        site.reaches(PARTS, 8).await;
        site.uploads.cancel(&ada.context, id).await.unwrap();
        assert_eq!(site.ended(ada, id).await.state, RunState::Cancelled);
        first.stop().await;
        let rest = HookedStore::counting(memory.clone());
        let _second = site.worker(rest.clone());
        let run = site.complete(ada, &session).await;
        assert_eq!((run.progress.files_uploaded, run.progress.total_bytes), (1, 1 << 20));
        assert_eq!(rest.sent().len(), 8);
        ada.assert_arrived(&memory);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_nothing_is_left_of_a_large_file_that_is_gone_before_it_has_arrived() {
    for site in sites().await {
        let (memory, ada) = (site.memory(), &site.ada);
        ada.write("large", noise(1 << 20));
        ada.write("small", noise(10));
        let session = site.session(ada, |new| new.delete_extraneous = true).await;
        let id = site.start(ada, &session).await;
        let first = site.worker(stuck_after(&memory, 8));
        site.reaches(PARTS, 8).await;
        site.uploads.cancel(&ada.context, id).await.unwrap();
        site.ended(ada, id).await;
        first.stop().await;
        ada.remove("large");
        site.clock.advance(chrono::Duration::seconds(1));
        let _second = site.worker(memory.clone());
        let run = site.complete(ada, &session).await;
        assert_eq!((run.progress.total_files, run.progress.files_deleted), (1, 0), "there was no object yet");
        assert_eq!((memory.open_uploads(), site.number(PARTS).await), (0, 0));
        assert_eq!(site.files(ada, &session).await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_what_a_dead_worker_had_completed_is_not_sent_again() {
    for site in sites().await {
        let (memory, ada) = (site.memory(), &site.ada);
        ada.write("large", noise(1 << 20));
        ada.write("small", noise(100));
        // It is done, and nobody is told.
        let mute = FaultyStore::new(memory.clone(), |call| match call.operation {
            Operation::CompleteUpload | Operation::Put => Fault::After(Failure::Silence),
            _ => Fault::None,
        });
        let session = site.session(ada, |_| {}).await;
        let id = site.start(ada, &session).await;
        let first = site.worker(Arc::new(mute));
        let since = tokio::time::Instant::now();
        while memory.objects().len() < 2 {
            assert!(since.elapsed() < Duration::from_secs(20));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        first.crash().await;
        site.expire_leases().await;
        let rest = HookedStore::counting(memory.clone());
        let _second = site.worker(rest.clone());
        let run = site.ended(ada, id).await;
        assert_eq!((run.state, run.progress.files_uploaded), (RunState::Finished, 2));
        assert_eq!(run.progress.bytes_uploaded, run.progress.total_bytes);
        assert!(rest.sent().into_keys().all(|(_, part)| part == 0), "{:?}", rest.sent());
        ada.assert_arrived(&memory);
    }
}

async fn begin(memory: &MemoryStore, key: &str) {
    memory.create_upload(&ObjectKey::parse(key).unwrap()).await.unwrap();
}

async fn open(memory: &MemoryStore) -> Vec<String> {
    memory.list_uploads("").await.unwrap().into_iter().map(|upload| upload.key.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_uploads_that_no_run_knows_are_swept_when_they_are_old() {
    let site = sqlite().await;
    let memory = site.memory();
    let (own, foreign) = (format!("{}old", site.ada.prefix()), format!("{}old", site.bob.prefix()));
    begin(&memory, &own).await;
    begin(&memory, &foreign).await;
    site.ada.write("small", noise(10));
    let options = TransferOptions { orphan_age: Duration::from_mins(1), ..quick() };
    let _worker = site.worker_with(memory.clone(), options);
    let session = site.session(&site.ada, |_| {}).await;
    site.complete(&site.ada, &session).await;
    assert_eq!(open(&memory).await.len(), 2, "nobody knows yet whether they go on");
    site.clock.advance(chrono::Duration::seconds(61));
    site.complete(&site.ada, &session).await;
    assert_eq!(open(&memory).await, [foreign]);
}

/// A session has a large file under way while another one, below the same prefix, is done.
async fn beside(site: &Site) -> (Arc<MemoryStore>, tenantry_sync::RunId) {
    let (memory, ada) = (site.memory(), &site.ada);
    ada.write("one/large", noise(1 << 20));
    ada.write("two/small", noise(10));
    let folder = |name: &str| tenantry_sync::LocalDirectory::parse(ada.folder.join(name).to_str().unwrap()).unwrap();
    let (one, two) = (folder("one"), folder("two"));
    let one = site.session(ada, |new| new.local_directory = one).await;
    let two = site.session(ada, |new| new.local_directory = two).await;
    let id = site.start(ada, &one).await;
    let _stuck = site.worker(stuck_after(&memory, 8));
    site.reaches(PARTS, 8).await;
    site.clock.advance(chrono::Duration::hours(2));
    let _worker = site.worker(memory.clone());
    site.complete(ada, &two).await;
    (memory, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_uploads_of_runs_beside_are_left_alone() {
    for site in sites().await {
        let (memory, id) = beside(&site).await;
        assert_eq!(open(&memory).await.len(), 1);
        site.expire_leases().await;
        let _worker = site.worker(memory.clone());
        let run = site.ended(&site.ada, id).await;
        assert_eq!((run.state, memory.calls().create_upload), (RunState::Finished, 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_no_more_is_in_memory_than_there_may_be() {
    let site = sqlite().await;
    let memory = site.memory();
    for number in 0..60 {
        site.ada.write(&format!("small {number}"), noise(60_000));
        site.bob.write(&format!("large {number}"), noise(200_000));
    }
    let slow = HookedStore::new(memory.clone(), |_| Box::pin(tokio::time::sleep(Duration::from_millis(10))));
    let options = TransferOptions { memory_bytes: 1 << 20, ..quick() };
    let _worker = site.worker_with(slow.clone(), options);
    let many = |new: &mut tenantry_sync::NewSyncSession| new.max_workers = MaxWorkers::parse(64).unwrap();
    let (one, other) = (site.session(&site.ada, many).await, site.session(&site.bob, many).await);
    tokio::join!(site.complete(&site.ada, &one), site.complete(&site.bob, &other));
    site.ada.assert_arrived(&memory);
    site.bob.assert_arrived(&memory);
    let most = slow.most_held();
    assert!((256 << 10..=1 << 20).contains(&most), "{most}");
}

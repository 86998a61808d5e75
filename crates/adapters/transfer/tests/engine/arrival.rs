//! What arrives, what is skipped, and what is said of it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tenantry_kernel::{Precondition, SystemIds};
use tenantry_objects::FolderStore;
use tenantry_sync::objects::ObjectStore as _;
use tenantry_sync::{
    CompareBy, FileState, LocalDirectory, Patterns, Retries, RunState, SessionStatus, SyncError, SyncSessionChange,
    WarningKind,
};
use tenantry_tenancy::{ProjectChange, Projects, StoragePrefix};
use tenantry_testkit::objects::{Calls, Failure, Fault, FaultyStore, Operation, S3Server};
use tenantry_transfer::engine::TransferOptions;

use super::fixture::{Site, Tenant, noise, quick, sites, sqlite};
use super::stores::{HookedStore, bucket};

/// Files of all kinds: empty, small, of one part, of many.
fn fill(tenant: &Tenant) {
    tenant.write("empty", b"");
    tenant.write("small.txt", b"hello");
    tenant.write("a/b/c/deep.txt", b"deep");
    tenant.write("whole", noise(128 << 10));
    tenant.write("parts", noise((128 << 10) + 1));
    tenant.write("many parts", noise(500_000));
}

/// The file looks as if it had changed so many seconds before.
fn age(tenant: &Tenant, name: &str, seconds: u64) {
    let file = File::options().write(true).open(tenant.folder.join(name)).unwrap();
    let before = file.metadata().unwrap().modified().unwrap() - Duration::from_secs(seconds);
    file.set_modified(before).unwrap();
}

/// Ada's project stores its objects there from now on.
async fn store_below(site: &Site, prefix: Option<&str>) {
    let storage_prefix = Some(prefix.map(|prefix| StoragePrefix::parse(prefix).unwrap()));
    let change = ProjectChange { storage_prefix, ..ProjectChange::default() };
    let projects = Projects::new(site.database.clone(), site.clock.clone(), Arc::new(SystemIds));
    let changed = projects.update(&site.ada.context, site.ada.project_id, change, &Precondition::default()).await;
    changed.unwrap();
}

fn only_listed(calls: Calls) -> bool {
    calls == Calls { list_uploads: 1, ..Calls::default() }
}

fn since(now: Calls, before: Calls) -> Calls {
    Calls {
        put: now.put - before.put,
        head: now.head - before.head,
        list: now.list - before.list,
        delete: now.delete - before.delete,
        create_upload: now.create_upload - before.create_upload,
        upload_part: now.upload_part - before.upload_part,
        list_parts: now.list_parts - before.list_parts,
        complete_upload: now.complete_upload - before.complete_upload,
        abort_upload: now.abort_upload - before.abort_upload,
        list_uploads: now.list_uploads - before.list_uploads,
        append: now.append - before.append,
        bytes: now.bytes - before.bytes,
        too_late: now.too_late - before.too_late,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u7_everything_arrives_and_the_second_run_asks_the_store_for_nothing() {
    for site in sites().await {
        let store = site.memory();
        fill(&site.ada);
        let _worker = site.worker(store.clone());
        let session = site.session(&site.ada, |_| {}).await;
        let run = site.complete(&site.ada, &session).await;
        site.ada.assert_arrived(&store);
        let progress = run.progress;
        assert_eq!((progress.total_files, progress.files_uploaded, progress.files_skipped), (6, 6, 0));
        assert_eq!(progress.total_bytes, site.ada.expected().values().map(|(size, _)| size).sum::<u64>());
        assert_eq!((run.percent(), run.error.as_ref(), run.crashes), (100, None, 0));
        assert_eq!(site.find(&site.ada, &session).await.status(), SessionStatus::Completed);
        let expected = site.ada.expected();
        for (path, file) in site.files(&site.ada, &session).await {
            assert_eq!(file.state, FileState::Uploaded, "{path}");
            assert_eq!(file.checksum.unwrap().to_string(), expected[path.as_bytes()].1, "{path}");
        }
        let before = store.calls();
        let again = site.complete(&site.ada, &session).await.progress;
        assert_eq!((again.total_files, again.files_uploaded, again.files_skipped, again.total_bytes), (6, 0, 6, 0));
        assert!(only_listed(since(store.calls(), before)), "{:?}", store.calls());
        assert!(site.files(&site.ada, &session).await.values().all(|file| file.state == FileState::Skipped));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u7_what_changed_is_sent_again_and_nothing_else() {
    for site in sites().await {
        let store = site.memory();
        fill(&site.ada);
        let _worker = site.worker(store.clone());
        let session = site.session(&site.ada, |_| {}).await;
        site.complete(&site.ada, &session).await;
        let (ada, before) = (&site.ada, store.calls());
        ada.write("small.txt", b"hullo!");
        ada.write("new", b"new");
        // Of the same size, and then of the same bytes.
        ada.write("many parts", noise(500_000));
        age(ada, "many parts", 5);
        age(ada, "empty", 5);
        ada.remove("whole");
        let progress = site.complete(ada, &session).await.progress;
        assert_eq!((progress.total_files, progress.files_uploaded, progress.files_skipped), (6, 4, 2));
        assert_eq!(since(store.calls(), before).put, 3);
        let stored = ada.stored(store.objects());
        assert_eq!(stored.len(), 7, "what is gone stays in the store");
        assert!(ada.expected().iter().all(|(path, file)| stored.get(path) == Some(file)));
        // By their bytes, those that only look as if they had changed are the same.
        let change = SyncSessionChange { compare_by: Some(CompareBy::Checksum), ..SyncSessionChange::default() };
        site.change(ada, session.id, change).await;
        age(ada, "many parts", 10);
        age(ada, "small.txt", 10);
        ada.write("new", b"now");
        let before = store.calls();
        let progress = site.complete(ada, &session).await.progress;
        assert_eq!((progress.total_files, progress.files_uploaded, progress.files_skipped), (6, 1, 5));
        assert_eq!((progress.total_bytes, progress.bytes_uploaded), (3, 3));
        assert_eq!(since(store.calls(), before), Calls { put: 1, bytes: 3, list_uploads: 1, ..Calls::default() });
        let files = site.files(ada, &session).await;
        let states: Vec<_> = files.values().filter(|file| file.state == FileState::Uploaded).collect();
        assert_eq!((states.len(), files["new"].state), (1, FileState::Uploaded), "{files:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u7_patterns_choose_and_a_dry_run_writes_nothing() {
    let site = sqlite().await;
    let (store, ada) = (site.memory(), &site.ada);
    for name in ["a.txt", "b.txt", "b.tmp", "skip/c.txt", "d.bin"] {
        ada.write(name, name);
    }
    let _worker = site.worker(store.clone());
    let session = site
        .session(ada, |new| {
            new.include = Patterns::parse(vec!["*.txt".to_owned(), "*.tmp".to_owned()]).unwrap();
            new.exclude = Patterns::parse(vec!["*.tmp".to_owned(), "skip/".to_owned()]).unwrap();
        })
        .await;
    let dry = site.start_with(ada, &session, |start| start.dry_run = true).await;
    let dry = site.ended(ada, dry).await;
    assert_eq!((dry.state, dry.progress.total_files, dry.progress.files_uploaded), (RunState::Finished, 2, 2));
    assert_eq!(dry.progress.total_bytes, 10);
    assert_eq!(store.calls(), Calls::default());
    assert_eq!(site.find(ada, &session).await.status(), SessionStatus::Pending);
    assert!(site.files(ada, &session).await.is_empty());
    site.complete(ada, &session).await;
    let stored: Vec<_> = ada.stored(store.objects()).into_keys().collect();
    assert_eq!(stored, [b"a.txt".to_vec(), b"b.txt".to_vec()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn u7_a_dry_run_by_checksum_counts_only_what_would_be_sent() {
    for site in sites().await {
        let (store, ada) = (site.memory(), &site.ada);
        for name in ["same", "touched", "large", "changed", "grown"] {
            ada.write(name, noise(if name == "large" { 300_000 } else { 50 }));
        }
        let _worker = site.worker(store.clone());
        let session = site.session(ada, |new| new.compare_by = CompareBy::Checksum).await;
        site.complete(ada, &session).await;
        age(ada, "large", 5);
        age(ada, "touched", 5);
        ada.write("changed", [7; 50]);
        ada.write("grown", [7; 60]);
        ada.write("new", [7; 70]);
        let calls = store.calls();
        let dry = site.start_with(ada, &session, |start| start.dry_run = true).await;
        let dry = site.ended(ada, dry).await;
        let progress = dry.progress;
        assert_eq!((progress.total_files, progress.files_skipped, progress.files_uploaded), (6, 3, 3), "{dry:?}");
        assert_eq!((progress.total_bytes, progress.files_failed), (180, 0), "{dry:?}");
        assert_eq!(store.calls(), calls);
        // What it foretells is what comes.
        let full = site.complete(ada, &session).await.progress;
        assert_eq!((full.files_skipped, full.files_uploaded, full.total_bytes), (3, 3, 180));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u7_a_bad_file_fails_alone_and_is_tried_again_when_asked() {
    for site in sites().await {
        let (memory, ada) = (site.memory(), &site.ada);
        for number in 0..30 {
            ada.write(&format!("good {number}"), noise(number));
        }
        ada.write("vanishing", b"here");
        ada.write("becoming a pipe", b"here");
        fs::write(ada.folder.join(OsStr::from_bytes(b"not \xff UTF-8")), b"bytes").unwrap();
        let long = format!("{0}/{0}/{0}/{0}", "long".repeat(62));
        ada.write(&long, b"too long");
        let _socket = UnixListener::bind(ada.folder.join("socket")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", ada.folder.join("link")).unwrap();
        let (folder, is_first) = (ada.folder.clone(), AtomicBool::new(true));
        // Held up until two files have gone bad.
        let store = HookedStore::new(memory.clone(), move |_| {
            if is_first.swap(false, Ordering::Relaxed) {
                for name in ["vanishing", "becoming a pipe"] {
                    fs::rename(folder.join(name), folder.with_extension(name)).unwrap();
                }
                drop(UnixListener::bind(folder.join("becoming a pipe")).unwrap());
            }
            Box::pin(std::future::ready(()))
        });
        let _worker = site.worker(store);
        let session = site
            .session(ada, |new| {
                new.times_to_retry = Retries::parse(0).unwrap();
                new.max_workers = tenantry_sync::MaxWorkers::parse(1).unwrap();
            })
            .await;
        let run = site.go(ada, &session).await;
        assert_eq!((run.state, run.percent()), (RunState::Finished, 100));
        let progress = run.progress;
        assert_eq!((progress.total_files, progress.files_uploaded, progress.files_failed), (34, 31, 3), "{run:?}");
        let mut kinds: Vec<_> = run.warnings.iter().map(|warning| format!("{:?}", warning.kind)).collect();
        kinds.sort();
        assert_eq!(kinds, ["KeyTooLong", "NotUtf8", "SpecialFile", "Symlink"]);
        assert!(run.warnings.iter().any(|warning| warning.kind == WarningKind::KeyTooLong && warning.path == long));
        assert_eq!(site.find(ada, &session).await.status(), SessionStatus::CompletedWithErrors);
        assert!(memory.objects().iter().any(|object| object.key.as_str().ends_with("/not %FF UTF-8")));
        let files = site.files(ada, &session).await;
        assert_eq!(files["vanishing"].state, FileState::Failed);
        assert_eq!(files["vanishing"].error.as_deref(), Some("the file is no longer there"));
        assert_eq!(files["becoming a pipe"].error.as_deref(), Some("it is no regular file"));
        // Only those two are tried again.
        fs::remove_file(ada.folder.join("becoming a pipe")).unwrap();
        for name in ["vanishing", "becoming a pipe"] {
            fs::rename(ada.folder.with_extension(name), ada.folder.join(name)).unwrap();
        }
        let before = memory.calls();
        let again = site.retry(ada, run.id).await.unwrap();
        assert_eq!((again.progress.total_files, again.progress.total_bytes), (2, 8));
        let again = site.ended(ada, again.id).await;
        assert_eq!((again.progress.files_uploaded, again.progress.files_failed), (2, 0));
        assert_eq!(since(memory.calls(), before).put, 2);
        assert_eq!(site.find(ada, &session).await.status(), SessionStatus::Completed);
        assert!(matches!(site.retry(ada, run.id).await, Err(SyncError::NothingToDo)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u7_failed_files_are_not_tried_again_for_a_session_that_was_changed() {
    for site in sites().await {
        let (memory, ada) = (site.memory(), &site.ada);
        ada.write("here/bad", b"from here");
        ada.write("there/bad", b"from elsewhere");
        let faulty = FaultyStore::new(memory.clone(), |_| Fault::Before(Failure::Refused("AccessDenied")));
        let broken = site.worker(Arc::new(faulty));
        let directory = |name: &str| LocalDirectory::parse(ada.folder.join(name).to_str().unwrap()).unwrap();
        let session = site.session(ada, |new| new.local_directory = directory("here")).await;
        let run = site.go(ada, &session).await;
        assert_eq!(run.progress.files_failed, 1, "{run:?}");
        broken.stop().await;
        // Where the project stores its objects is no part of the session.
        store_below(&site, Some("elsewhere")).await;
        assert!(matches!(site.retry(ada, run.id).await, Err(SyncError::SessionChanged)));
        store_below(&site, None).await;
        // No clock tells which came first.
        site.clock.advance(chrono::Duration::seconds(-60));
        let change = SyncSessionChange { local_directory: Some(directory("there")), ..SyncSessionChange::default() };
        site.change(ada, session.id, change).await;
        assert!(matches!(site.retry(ada, run.id).await, Err(SyncError::SessionChanged)));
        assert_eq!(memory.objects(), []);
        // What it was about is not lost: a run of the session as it is now goes through, and so would its own retry.
        let _worker = site.worker(memory.clone());
        site.complete(ada, &session).await;
        assert_eq!(memory.objects().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u7_a_file_that_grows_or_shrinks_before_it_is_read_arrives_as_it_is_then() {
    for site in sites().await {
        let (memory, ada) = (site.memory(), &site.ada);
        ada.write("as it is", b"first");
        ada.write("grows", b"small");
        ada.write("grows to parts", b"small");
        ada.write("shrinks", noise(300_000));
        ada.write("grows in parts", noise(300_000));
        let session = site.session(ada, |new| new.times_to_retry = Retries::parse(0).unwrap()).await;
        // A worker that only gets to look, and leaves the run to another.
        let drain = Duration::from_millis(20);
        let looking = site.worker_with(HookedStore::silent(memory.clone()), TransferOptions { drain, ..quick() });
        let id = site.start(ada, &session).await;
        site.when(ada, id, |run| run.is_scanned).await;
        looking.stop().await;
        for (name, size) in [("grows", 9_000), ("grows to parts", 400_000), ("shrinks", 7), ("grows in parts", 350_000)]
        {
            ada.write(name, noise(size));
        }
        let _worker = site.worker(memory.clone());
        let run = site.ended(ada, id).await;
        assert_eq!((run.progress.files_uploaded, run.progress.files_failed), (5, 0), "{run:?}");
        assert_eq!(run.progress.bytes_uploaded, run.progress.total_bytes);
        ada.assert_arrived(&memory);
        assert_eq!(memory.open_uploads(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u7_a_large_file_that_changes_while_it_is_sent_is_sent_again_or_fails() {
    let site = sqlite().await;
    let (memory, ada) = (site.memory(), &site.ada);
    ada.write("large", noise(300_000));
    let (folder, rounds) = (ada.folder.clone(), Arc::new(std::sync::atomic::AtomicU32::new(2)));
    let left = rounds.clone();
    let store = HookedStore::new(memory.clone(), move |seen| {
        let is_due = seen.operation == Operation::UploadPart && seen.part == 3;
        if is_due && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
            fs::write(folder.join("large"), noise(300_000)).unwrap();
        }
        Box::pin(std::future::ready(()))
    });
    let _worker = site.worker(store);
    let session = site.session(ada, |_| {}).await;
    site.complete(ada, &session).await;
    ada.assert_arrived(&memory);
    rounds.store(u32::MAX, Ordering::Relaxed);
    ada.write("large", noise(300_001));
    let stored = memory.objects();
    let run = site.go(ada, &session).await;
    assert_eq!((run.state, run.progress.files_failed, run.progress.bytes_uploaded), (RunState::Finished, 1, 0));
    let files = site.files(ada, &session).await;
    assert_eq!(files["large"].error.as_deref(), Some("changed while it was read"));
    assert_eq!(memory.objects(), stored, "the object is what it was");
    assert_eq!(memory.open_uploads(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn u7_a_folder_in_the_role_of_a_bucket_gets_the_very_bytes() {
    let site = sqlite().await;
    let target = TempDir::new().unwrap();
    let store = FolderStore::open(target.path(), site.clock.clone(), Arc::new(SystemIds)).unwrap();
    fill(&site.ada);
    let _worker = site.worker(Arc::new(store));
    let session = site.session(&site.ada, |_| {}).await;
    site.complete(&site.ada, &session).await;
    for name in ["empty", "small.txt", "a/b/c/deep.txt", "whole", "parts", "many parts"] {
        let path = format!("{}{name}", site.ada.prefix()).replace('/', ".d/");
        let arrived = fs::read(target.path().join("objects").join(path)).unwrap();
        assert!(arrived == fs::read(site.ada.folder.join(name)).unwrap(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u7_a_bucket_gets_everything_by_the_protocol() {
    let site = sqlite().await;
    fill(&site.ada);
    site.ada.write("large", noise(11 << 20));
    for is_own in [true, false] {
        let memory = site.memory();
        let server = if is_own { S3Server::over(memory.clone()).await } else { S3Server::independent().await };
        let store = bucket(&server).await;
        let options = TransferOptions { memory_bytes: 64 << 20, whole_bytes: 4 << 20, part_bytes: 5 << 20, ..quick() };
        let worker = site.worker_with(store.clone(), options);
        let session = site.session(&site.ada, |_| {}).await;
        let run = site.complete(&site.ada, &session).await;
        assert_eq!(run.progress.files_uploaded, 7);
        if is_own {
            site.ada.assert_arrived(&memory);
            assert_eq!((memory.calls().upload_part, memory.open_uploads()), (3, 0));
        }
        let listed = store.list(&site.ada.prefix(), None, 100).await.unwrap();
        let sizes: Vec<_> = listed.iter().map(|object| object.size).collect();
        assert_eq!(sizes, site.ada.expected().values().map(|(size, _)| *size).collect::<Vec<_>>());
        worker.stop().await;
        // What is known of one bucket is not known of another.
    }
}

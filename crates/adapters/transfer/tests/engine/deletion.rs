//! Objects whose files are gone.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tenantry_sync::objects::{Crc64, ObjectStore as _};
use tenantry_sync::{LocalDirectory, Patterns, RunState, SyncSessionChange};
use tenantry_testkit::objects::{Failure, Fault, FaultyStore, Operation};

use super::fixture::{Tenant, noise, sites, sqlite};

fn fill(tenant: &Tenant, count: usize) {
    (0..count).for_each(|number| tenant.write(&format!("{number:04}"), noise(5)));
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_objects_of_files_that_are_gone_are_removed_and_no_others() {
    for site in sites().await {
        let (memory, ada) = (site.memory(), &site.ada);
        fill(ada, 20);
        ada.write("kept/by a pattern", b"a");
        let _worker = site.worker(memory.clone());
        let session = site.session(ada, |new| new.delete_extraneous = true).await;
        // Somebody else's below the same prefix: another session's, and one that no session knows.
        let beside = ada.folder.with_extension("beside");
        fs::create_dir(&beside).unwrap();
        fs::write(beside.join("beside"), b"beside").unwrap();
        let directory = LocalDirectory::parse(beside.to_str().unwrap()).unwrap();
        let other = site.session(ada, |new| new.local_directory = directory).await;
        site.complete(ada, &other).await;
        let stranger = tenantry_sync::objects::ObjectKey::parse(&format!("{}stranger", ada.prefix())).unwrap();
        let checksum = Crc64::of(b"x");
        memory.put(&stranger, "x".into(), checksum, &tenantry_sync::objects::PutCondition::None).await.unwrap();
        site.complete(ada, &session).await;
        assert_eq!(memory.objects().len(), 23);
        let exclude = Some(Patterns::parse(vec!["kept/".to_owned()]).unwrap());
        site.change(ada, session.id, SyncSessionChange { exclude, ..SyncSessionChange::default() }).await;
        fs::remove_dir_all(ada.folder.join("kept")).unwrap();
        ada.remove("0003");
        ada.remove("0004");
        let run = site.complete(ada, &session).await;
        assert_eq!((run.progress.files_deleted, run.progress.files_skipped), (2, 18));
        let left: Vec<_> = ada.stored(memory.objects()).into_keys().collect();
        assert_eq!(left.len(), 21);
        for name in ["kept/by a pattern", "beside", "stranger"] {
            assert!(left.contains(&name.as_bytes().to_vec()), "{name}");
        }
        assert!(!left.contains(&b"0003".to_vec()));
        let again = site.complete(ada, &session).await;
        assert_eq!((again.progress.files_deleted, memory.calls().delete), (0, 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_an_empty_folder_removes_nothing_without_a_word() {
    for site in sites().await {
        let (memory, ada) = (site.memory(), &site.ada);
        fill(ada, 3);
        let _worker = site.worker(memory.clone());
        let session = site.session(ada, |new| new.delete_extraneous = true).await;
        site.complete(ada, &session).await;
        (0..3).for_each(|number| ada.remove(&format!("{number:04}")));
        let run = site.go(ada, &session).await;
        assert_eq!((run.state, run.progress.files_deleted), (RunState::Failed, 0));
        let error = run.error.unwrap();
        assert!(error.contains("3 of 3 objects") && error.contains("confirmed_deletions 3"), "{error}");
        assert_eq!((memory.objects().len(), memory.calls().delete), (3, 0));
        let confirmed = site.start_with(ada, &session, |start| start.confirmed_deletions = 3).await;
        let run = site.ended(ada, confirmed).await;
        assert_eq!((run.state, run.progress.files_deleted), (RunState::Finished, 3));
        assert_eq!(memory.objects(), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_more_than_a_hundred_that_are_more_than_a_tenth_need_a_word() {
    for site in sites().await {
        let (memory, ada) = (site.memory(), &site.ada);
        fill(ada, 250);
        let _worker = site.worker(memory.clone());
        let session = site.session(ada, |new| new.delete_extraneous = true).await;
        site.complete(ada, &session).await;
        (0..101).for_each(|number| ada.remove(&format!("{number:04}")));
        let run = site.go(ada, &session).await;
        assert_eq!((run.state, run.progress.files_deleted), (RunState::Failed, 0));
        assert!(run.error.unwrap().contains("101 of 250 objects"));
        for (confirmed, expected) in [(100, RunState::Failed), (101, RunState::Finished)] {
            let id = site.start_with(ada, &session, |start| start.confirmed_deletions = confirmed).await;
            assert_eq!(site.ended(ada, id).await.state, expected, "{confirmed}");
        }
        ada.assert_arrived(&memory);
        (101..201).for_each(|number| ada.remove(&format!("{number:04}")));
        assert_eq!(site.complete(ada, &session).await.progress.files_deleted, 100);
        ada.assert_arrived(&memory);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_nothing_is_removed_while_some_of_the_folder_can_not_be_read() {
    let site = sqlite().await;
    let (memory, ada) = (site.memory(), &site.ada);
    fill(ada, 10);
    let _worker = site.worker(memory.clone());
    let session = site.session(ada, |new| new.delete_extraneous = true).await;
    site.complete(ada, &session).await;
    ada.remove("0000");
    // A folder whose path is longer than the system takes: made of two halves.
    let half = |name: &str| vec![name.repeat(50); 30].join("/");
    let (upper, lower) = (ada.folder.join("deep").join(half("up")), ada.folder.join("low"));
    fs::create_dir_all(&upper).unwrap();
    fs::create_dir_all(lower.join(half("lo"))).unwrap();
    let run = site.complete(ada, &session).await;
    assert_eq!(run.progress.files_deleted, 1, "all can be read yet");
    ada.remove("0001");
    fs::rename(&lower, upper.join("low")).unwrap();
    let run = site.go(ada, &session).await;
    assert_eq!((run.state, run.progress.files_deleted, memory.objects().len()), (RunState::Failed, 0, 9));
    assert!(run.error.as_deref().unwrap().contains("could not be read"), "{run:?}");
    fs::rename(upper.join("low"), &lower).unwrap();
    assert_eq!(site.complete(ada, &session).await.progress.files_deleted, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_removing_is_tried_again_and_by_the_next_worker() {
    for site in sites().await {
        let (memory, ada) = (site.memory(), &site.ada);
        fill(ada, 10);
        let left = Arc::new(AtomicU32::new(2));
        let failing = left.clone();
        let faulty = FaultyStore::new(memory.clone(), move |call| {
            let is_due = call.operation == Operation::Delete
                && failing.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
            if is_due { Fault::Before(Failure::Unavailable) } else { Fault::None }
        });
        let first = site.worker(Arc::new(faulty));
        let session = site.session(ada, |new| new.delete_extraneous = true).await;
        site.complete(ada, &session).await;
        ada.remove("0000");
        assert_eq!(site.complete(ada, &session).await.progress.files_deleted, 1);
        left.store(u32::MAX, Ordering::Relaxed);
        ada.remove("0001");
        let run = site.go(ada, &session).await;
        assert_eq!((run.state, run.progress.files_deleted, memory.objects().len()), (RunState::Failed, 0, 9));
        first.stop().await;
        // The store removes them, and its worker dies before it says so.
        let mute = FaultyStore::new(memory.clone(), |call| match call.operation {
            Operation::Delete => Fault::After(Failure::Silence),
            _ => Fault::None,
        });
        let second = site.worker(Arc::new(mute));
        let id = site.start(ada, &session).await;
        while memory.objects().len() > 8 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        second.crash().await;
        site.expire_leases().await;
        let _third = site.worker(memory.clone());
        let run = site.ended(ada, id).await;
        assert_eq!((run.state, run.progress.files_deleted, memory.objects().len()), (RunState::Finished, 1, 8));
        ada.assert_arrived(&memory);
    }
}

//! The contract, and what only a folder promises.

mod appends;

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tempfile::TempDir;
use tenantry_kernel::{Clock as _, SystemIds};
use tenantry_sync::objects::{
    ObjectError, ObjectKey, ObjectStore as _, PutCondition, StoredObject, StoredPart, UploadId,
};
use tenantry_testkit::contracts::{APPENDS, OBJECTS, ObjectWorld, UPLOADS};
use tenantry_testkit::{FixedClock, run};

use super::{FolderError, FolderStore};
use tenantry_sync::objects::Crc64;

struct Fixture {
    folder: TempDir,
    store: FolderStore,
}

fn open(folder: &Path) -> FolderStore {
    FolderStore::open(folder, Arc::new(FixedClock::default()), Arc::new(SystemIds)).unwrap()
}

fn key(key: &str) -> ObjectKey {
    ObjectKey::parse(key).unwrap()
}

/// So long before the clock of all stores here.
fn ago(hours: u64) -> SystemTime {
    SystemTime::from(FixedClock::default().now()) - Duration::from_hours(hours)
}

impl Fixture {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = open(folder.path());
        Self { folder, store }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    async fn put(&self, name: &str, body: &'static [u8]) -> Result<StoredObject, ObjectError> {
        let condition = PutCondition::None;
        self.store.put(&key(name), Bytes::from_static(body), Crc64::of(body), &condition).await
    }

    async fn head(&self, name: &str) -> Option<StoredObject> {
        self.store.head(&key(name)).await.unwrap()
    }

    async fn names(&self) -> Vec<String> {
        let listed = self.store.list("", None, 100).await.unwrap();
        listed.into_iter().map(|object| object.key.to_string()).collect()
    }

    async fn send(
        &self,
        name: &str,
        id: &UploadId,
        (number, offset, body): (u32, u64, &'static [u8]),
    ) -> Result<StoredPart, ObjectError> {
        self.store.upload_part(&key(name), id, number, offset, Bytes::from_static(body), Crc64::of(body)).await
    }

    /// All parts of an upload, one of them twice, and the upload.
    async fn upload(&self, name: &str) -> UploadId {
        let id = self.store.create_upload(&key(name)).await.unwrap();
        for (number, offset, body) in [(2, 4, &b"two!"[..]), (1, 0, b"over"), (1, 0, b"one!"), (3, 8, b"3")] {
            self.send(name, &id, (number, offset, body)).await.unwrap();
        }
        id
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_of_object_stores() {
    let folder = TempDir::new().unwrap();
    let world = ObjectWorld::leak(Arc::new(open(folder.path())));
    run(OBJECTS, world).await;
    run(UPLOADS, world).await;
    run(APPENDS, world).await;
}

#[tokio::test]
async fn objects_are_plain_files_for_their_owner() {
    let fixture = Fixture::new();
    fixture.put("photos/2024/a.jpg", b"image").await.unwrap();
    let file = fixture.path("objects/photos.d/2024.d/a.jpg");
    assert_eq!(fs::read(&file).unwrap(), b"image");
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(fixture.path("objects/photos.d")).unwrap().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn an_object_outlasts_the_store() {
    let fixture = Fixture::new();
    let put = fixture.put("a/b", b"one").await.unwrap();
    let id = fixture.upload("c").await;
    let again = open(fixture.folder.path());
    assert_eq!(again.head(&key("a/b")).await.unwrap(), Some(put));
    let parts = again.list_parts(&key("c"), &id).await.unwrap();
    let whole = Crc64::of(b"one!").followed_by(Crc64::of(b"two!"), 4).followed_by(Crc64::of(b"3"), 1);
    again.complete_upload(&key("c"), &id, &parts, whole, &PutCondition::Absent).await.unwrap();
    assert_eq!(fs::read(fixture.path("objects/c")).unwrap(), b"one!two!3");
    assert_eq!(fs::read_dir(fixture.path("uploads")).unwrap().count(), 0);
}

#[tokio::test]
async fn folders_go_with_their_last_object() {
    let fixture = Fixture::new();
    fixture.put("a/b/c/d", b"").await.unwrap();
    fixture.put("a/e", b"").await.unwrap();
    assert!(fixture.store.delete(&[key("a/b/c/d")]).await.unwrap().is_empty());
    assert!(!fixture.path("objects/a.d/b.d").exists() && !fixture.path("records/a.d/b.d").exists());
    assert!(fixture.path("objects/a.d/e").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_that_come_and_go_lose_nothing() {
    let fixture = Arc::new(Fixture::new());
    let tasks = (0..8).map(|task| {
        let fixture = Arc::clone(&fixture);
        tokio::spawn(async move {
            for round in 0..20 {
                let name = format!("x/y/z/{task}-{round}");
                fixture.put(&name, b"here").await.unwrap();
                assert!(fixture.head(&name).await.is_some());
                assert!(fixture.store.delete(&[key(&name)]).await.unwrap().is_empty());
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert!(fixture.names().await.is_empty());
}

/// A crash between an object and its record leaves the record of the object before.
#[tokio::test]
async fn a_record_of_another_object_is_not_believed() {
    let fixture = Fixture::new();
    fixture.put("a", b"one").await.unwrap();
    let stale = fs::read(fixture.path("records/a")).unwrap();
    let put = fixture.put("a", b"two").await.unwrap();
    for record in [stale, b"object 1 2".to_vec(), Vec::new()] {
        fs::write(fixture.path("records/a"), record).unwrap();
        let listed = fixture.store.list("", None, 1).await.unwrap();
        assert_eq!((listed[0].size, listed[0].checksum, &listed[0].etag), (3, None, &None));
        assert_eq!(fixture.head("a").await, Some(put.clone()));
        assert_eq!(fixture.store.list("", None, 1).await.unwrap(), std::slice::from_ref(&put));
    }
    fs::remove_dir_all(fixture.path("records")).unwrap();
    fs::create_dir(fixture.path("records")).unwrap();
    assert_eq!(open(fixture.folder.path()).head(&key("a")).await.unwrap(), Some(put));
}

#[tokio::test]
async fn leftovers_are_swept_when_they_are_old() {
    let fixture = Fixture::new();
    for (name, hours) in [("old", 25), ("young", 23)] {
        let file = File::create(fixture.path(&format!("temporary/{name}"))).unwrap();
        file.set_modified(ago(hours)).unwrap();
        // An upload that was begun by half, and one that was not.
        for (name, files) in [("half", &["upload"][..]), ("whole", &["data", "upload"])] {
            let folder = fixture.path(&format!("uploads/{name}-{hours}"));
            fs::create_dir(&folder).unwrap();
            for file in files {
                File::create(folder.join(file)).unwrap();
            }
            File::open(&folder).unwrap().set_modified(ago(hours)).unwrap();
        }
    }
    open(fixture.folder.path());
    let names = |path: &str| {
        let entries = fs::read_dir(fixture.path(path)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names("temporary"), ["young"]);
    assert_eq!(names("uploads"), ["half-23", "whole-23", "whole-25"]);
}

#[tokio::test]
async fn nothing_is_left_of_a_write_that_fails() {
    let fixture = Fixture::new();
    fixture.put("a", b"one").await.unwrap();
    let absent = fixture.store.put(&key("a"), Bytes::from_static(b"x"), Crc64::of(b"x"), &PutCondition::Absent).await;
    assert!(matches!(absent, Err(ObjectError::ConditionFailed)));
    assert_eq!(fs::read_dir(fixture.path("temporary")).unwrap().count(), 0);
}

#[tokio::test]
async fn no_link_is_followed() {
    let fixture = Fixture::new();
    let outside = TempDir::new().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    symlink(outside.path(), fixture.path("objects/folder.d")).unwrap();
    symlink(outside.path().join("secret"), fixture.path("objects/file")).unwrap();

    assert_eq!(fixture.head("folder/secret").await, None);
    assert_eq!(fixture.head("file").await, None);
    assert!(fixture.names().await.is_empty());
    assert!(fixture.put("folder/new", b"new").await.is_err());
    assert!(fixture.store.delete(&[key("folder/secret")]).await.unwrap().is_empty());
    // The link itself is replaced, not what it leads to.
    fixture.put("file", b"new").await.unwrap();
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    assert_eq!(fs::read(outside.path().join("secret")).unwrap(), b"secret");
}

#[tokio::test]
async fn files_of_others_are_not_listed() {
    let fixture = Fixture::new();
    fixture.put("a/b", b"").await.unwrap();
    for name in ["100%", "%41", "a.d/x%zz", "%2E"] {
        fs::write(fixture.path("objects").join(name), "").unwrap();
    }
    fs::create_dir(fixture.path("objects/unmarked")).unwrap();
    fs::write(fixture.path("objects/unmarked/file"), "").unwrap();
    assert_eq!(fixture.names().await, ["a/b"]);
}

#[tokio::test]
async fn parts_do_not_reach_into_one_another() {
    let fixture = Fixture::new();
    let id = fixture.upload("a").await;
    for (number, offset, body) in [(1, 0, &b"longer"[..]), (2, 3, b"two"), (3, 4, b"3"), (1, 1, b"one"), (0, 0, b"0")] {
        let outcome = fixture.send("a", &id, (number, offset, body)).await;
        assert!(matches!(&outcome, Err(ObjectError::Refused { reason, .. }) if reason == "InvalidPart"), "{outcome:?}");
    }
    assert_eq!(fixture.store.list_parts(&key("a"), &id).await.unwrap().len(), 3);
}

/// Two stores of a folder know as little of each other as two processes do.
#[tokio::test(flavor = "multi_thread")]
async fn conditions_hold_among_processes() {
    let fixture = Fixture::new();
    let other = open(fixture.folder.path());
    let mut condition = PutCondition::Absent;
    for round in 0..20 {
        let bodies = [0, 1, 2, 3].map(|writer| Bytes::from(format!("{round} {writer}")));
        let puts = (0..).zip(bodies).map(|(writer, body)| {
            let store = if writer % 2 == 0 { fixture.store.clone() } else { other.clone() };
            let (checksum, condition) = (Crc64::of(&body), condition.clone());
            tokio::spawn(async move { store.put(&key("a"), body, checksum, &condition).await })
        });
        let mut winners = Vec::new();
        for put in puts.collect::<Vec<_>>() {
            winners.extend(put.await.unwrap().ok());
        }
        assert_eq!(winners.len(), 1);
        assert_eq!(fixture.head("a").await, winners.first().cloned());
        condition = PutCondition::Matches(winners.remove(0).etag.unwrap());
    }
}

/// Such a part comes from a worker that was thought dead.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_comes_late_does_not_change_the_object() {
    let fixture = Fixture::new();
    let whole = Crc64::of(b"one!").followed_by(Crc64::of(b"two!"), 4).followed_by(Crc64::of(b"3"), 1);
    for _ in 0..30 {
        let (id, key) = (fixture.upload("a").await, key("a"));
        let parts = fixture.store.list_parts(&key, &id).await.unwrap();
        let (sent, completed) = tokio::join!(
            fixture.send("a", &id, (2, 4, b"late")),
            fixture.store.complete_upload(&key, &id, &parts, whole, &PutCondition::None),
        );
        match completed {
            Ok(object) => {
                assert!(matches!(sent, Err(ObjectError::NoSuchUpload)), "{sent:?}");
                assert_eq!(object.checksum, Some(whole));
                assert_eq!(fs::read(fixture.path("objects/a")).unwrap(), b"one!two!3");
            }
            Err(error) => {
                assert!(matches!(&error, ObjectError::Refused { reason, .. } if reason == "InvalidPart"), "{error:?}");
                fixture.store.abort_upload(&key, &id).await.unwrap();
            }
        }
    }
}

#[test]
fn a_folder_must_be_there() {
    let open = |path: &Path| FolderStore::open(path, Arc::new(FixedClock::default()), Arc::new(SystemIds));
    let folder = TempDir::new().unwrap();
    let missing = open(&folder.path().join("missing"));
    assert!(matches!(missing, Err(FolderError::Unusable { .. })));
    fs::write(folder.path().join("layout"), "tenantry-objects 2\n").unwrap();
    assert!(matches!(open(folder.path()), Err(FolderError::Layout { .. })));
}

#[test]
fn a_place_is_a_folder_by_whichever_way() {
    let folder = TempDir::new().unwrap();
    let (straight, link) = (folder.path().join("a b"), folder.path().join("link"));
    fs::create_dir(&straight).unwrap();
    symlink(&straight, &link).unwrap();
    let place = open(&straight).place().clone();
    assert!(place.as_str().starts_with("file:///") && place.as_str().ends_with("/a%20b"));
    assert_eq!(open(&link).place(), &place);
}

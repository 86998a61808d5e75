//! What was appended outlasts crashes, damage and other processes.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use bytes::Bytes;
use tenantry_sync::objects::{
    Appended, AppendingStore as _, ObjectError, ObjectStore as _, PutCondition, StoredObject, UploadId,
};

use super::{Fixture, key, open};
use crate::folder::FolderStore;

impl Fixture {
    async fn begin(&self) -> UploadId {
        self.store.create_upload(&key("a")).await.unwrap()
    }

    fn part_of(&self, id: &UploadId, name: &str) -> PathBuf {
        self.path(&format!("uploads/{}/{name}", id.as_str()))
    }

    async fn append(&self, id: &UploadId, offset: u64, body: &'static [u8]) -> Result<Appended, ObjectError> {
        append(&self.store, id, offset, Bytes::from_static(body)).await
    }

    async fn appended(&self, id: &UploadId) -> Appended {
        self.store.appended(&key("a"), id).await.unwrap()
    }

    async fn make(&self, id: &UploadId, whole: Appended) -> Result<StoredObject, ObjectError> {
        self.store.complete_appended(&key("a"), id, whole, &PutCondition::None).await
    }

    fn object(&self) -> Vec<u8> {
        fs::read(self.path("objects/a")).unwrap()
    }
}

async fn append(store: &FolderStore, id: &UploadId, offset: u64, body: Bytes) -> Result<Appended, ObjectError> {
    store.append(&key("a"), id, offset, body).await
}

fn of(bytes: &[u8]) -> Appended {
    Appended::nothing().followed_by(bytes)
}

#[tokio::test]
async fn what_was_appended_outlasts_the_store() {
    let fixture = Fixture::new();
    let id = fixture.begin().await;
    fixture.append(&id, 0, b"one ").await.unwrap();
    let again = open(fixture.folder.path());
    assert_eq!(again.appended(&key("a"), &id).await.unwrap(), of(b"one "));
    append(&again, &id, 4, Bytes::from_static(b"two")).await.unwrap();
    fixture.make(&id, of(b"one two")).await.unwrap();
    assert_eq!(fixture.object(), b"one two");
    assert_eq!(fs::read_dir(fixture.path("uploads")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(fixture.path("temporary")).unwrap().count(), 0);
}

/// A process that dies within an append has written some of the data and not the record.
#[tokio::test]
async fn bytes_without_a_record_have_not_arrived() {
    let fixture = Fixture::new();
    for (sent, left) in [(&b"one "[..], &b"half of an append that was killed"[..]), (b"", b"first"), (b"one ", b"\0\0")]
    {
        let id = fixture.begin().await;
        if !sent.is_empty() {
            fixture.append(&id, 0, sent).await.unwrap();
        }
        let mut data = OpenOptions::new().append(true).open(fixture.part_of(&id, "data")).unwrap();
        data.write_all(left).unwrap();
        let again = open(fixture.folder.path());
        let there = again.appended(&key("a"), &id).await.unwrap();
        assert_eq!(there, of(sent));
        // What is left is longer than what is sent now, and goes.
        let whole = append(&again, &id, there.length, Bytes::from_static(b"2")).await.unwrap();
        assert_eq!(whole, of(&[sent, b"2"].concat()));
        fixture.make(&id, whole).await.unwrap();
        assert_eq!(fixture.object(), [sent, b"2"].concat());
    }
}

#[tokio::test]
async fn a_record_that_makes_no_sense_means_that_nothing_has_arrived() {
    let fixture = Fixture::new();
    let id = fixture.begin().await;
    let whole = fixture.append(&id, 0, b"one").await.unwrap();
    let path = fixture.part_of(&id, "appended");
    let record = fs::read_to_string(&path).unwrap();
    let mut damaged: Vec<String> = (0..record.len()).map(|length| record[..length].to_owned()).collect();
    damaged.extend([record.replace('3', "4"), record.replace("appended", "part"), "\0".repeat(record.len())]);
    for text in damaged {
        fs::write(&path, &text).unwrap();
        assert_eq!(fixture.appended(&id).await, Appended::nothing(), "{text:?}");
        assert!(matches!(fixture.append(&id, 3, b"two").await, Err(ObjectError::ConditionFailed)), "{text:?}");
        assert!(matches!(fixture.make(&id, whole).await, Err(ObjectError::ChecksumMismatch)), "{text:?}");
        // It is still none that takes parts.
        let part = fixture.send("a", &id, (1, 0, b"part")).await;
        assert!(matches!(part, Err(ObjectError::Refused { .. })), "{part:?}");
    }
    fixture.append(&id, 0, b"two").await.unwrap();
    fixture.make(&id, of(b"two")).await.unwrap();
    assert_eq!(fixture.object(), b"two");
}

/// Two stores of a folder know as little of each other as two processes do.
#[tokio::test(flavor = "multi_thread")]
async fn processes_that_append_at_once_do_not_mix() {
    let fixture = Fixture::new();
    let other = open(fixture.folder.path());
    let id = fixture.begin().await;
    let mut whole = Vec::new();
    for round in 0..20_u8 {
        let offset = u64::try_from(whole.len()).unwrap();
        let appends = (0..4_u8).map(|writer| {
            let store = if writer % 2 == 0 { fixture.store.clone() } else { other.clone() };
            let (id, body) = (id.clone(), vec![round * 4 + writer; 50_000 + 1_000 * usize::from(writer)]);
            tokio::spawn(async move { append(&store, &id, offset, Bytes::from(body.clone())).await.map(|_| body) })
        });
        let mut won = Vec::new();
        for append in appends.collect::<Vec<_>>() {
            match append.await.unwrap() {
                Ok(body) => won.push(body),
                Err(error) => assert!(matches!(error, ObjectError::ConditionFailed), "{error:?}"),
            }
        }
        assert_eq!(won.len(), 1);
        whole.append(&mut won.remove(0));
    }
    assert_eq!(other.appended(&key("a"), &id).await.unwrap(), of(&whole));
    fixture.make(&id, of(&whole)).await.unwrap();
    assert!(fixture.object() == whole);
}

/// Such bytes come from a connection that was thought dead.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_come_late_do_not_change_the_object() {
    let fixture = Fixture::new();
    for _ in 0..30 {
        let id = fixture.begin().await;
        let whole = fixture.append(&id, 0, b"whole").await.unwrap();
        let (sent, completed) = tokio::join!(fixture.append(&id, 5, b"late"), fixture.make(&id, whole));
        match completed {
            Ok(_) => {
                assert!(matches!(sent, Err(ObjectError::NoSuchUpload)), "{sent:?}");
                assert_eq!(fixture.object(), b"whole");
            }
            Err(error) => {
                assert!(matches!(error, ObjectError::ChecksumMismatch), "{error:?}");
                assert_eq!(sent.unwrap(), of(b"wholelate"));
                fixture.store.abort_upload(&key("a"), &id).await.unwrap();
            }
        }
    }
}

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use crc_fast::crc64_nvme;
use tenantry_sync::objects::{
    Crc64, ObjectError, ObjectKey, ObjectStore, PutCondition, StoredObject, StoredPart, UploadId,
};

mod appends;
mod one_piece;
mod parts;

pub use appends::APPENDS;
pub use one_piece::OBJECTS;
pub use parts::UPLOADS;

/// A store, in which every case has a corner of its own.
pub struct ObjectWorld {
    store: Arc<dyn ObjectStore>,
    cases: AtomicU32,
}

impl ObjectWorld {
    /// A world around `store`, for as long as the process runs, as cases ask.
    #[must_use]
    pub fn leak(store: Arc<dyn ObjectStore>) -> &'static Self {
        Box::leak(Box::new(Self { store, cases: AtomicU32::default() }))
    }

    fn corner(&self) -> Corner {
        let number = self.cases.fetch_add(1, Ordering::Relaxed);
        Corner { store: Arc::clone(&self.store), prefix: format!("case {number}/") }
    }
}

struct Corner {
    store: Arc<dyn ObjectStore>,
    prefix: String,
}

fn crc(bytes: &[u8]) -> Crc64 {
    Crc64::new(crc64_nvme(bytes))
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap()
}

impl Corner {
    fn key(&self, name: &str) -> ObjectKey {
        ObjectKey::parse(&format!("{}{name}", self.prefix)).unwrap()
    }

    async fn put(&self, name: &str, body: &[u8]) -> StoredObject {
        self.put_if(name, body, &PutCondition::None).await.unwrap()
    }

    async fn put_if(&self, name: &str, body: &[u8], condition: &PutCondition) -> Result<StoredObject, ObjectError> {
        self.store.put(&self.key(name), Bytes::copy_from_slice(body), crc(body), condition).await
    }

    async fn head(&self, name: &str) -> Option<StoredObject> {
        self.store.head(&self.key(name)).await.unwrap()
    }

    /// That the store has exactly this.
    async fn holds(&self, name: &str, body: &[u8]) {
        let there = self.head(name).await.unwrap_or_else(|| panic!("{name} is not there"));
        assert_eq!(there.key, self.key(name));
        assert_eq!((there.size, there.checksum), (length(body), Some(crc(body))), "{name}");
    }

    async fn names(&self, prefix: &str, after: Option<&str>, limit: u16) -> Vec<String> {
        let after = after.map(|after| self.key(after));
        let listed = self.store.list(&format!("{}{prefix}", self.prefix), after.as_ref(), limit).await.unwrap();
        let name = |object: StoredObject| object.key.as_str().strip_prefix(&self.prefix).unwrap().to_owned();
        listed.into_iter().map(name).collect()
    }

    async fn upload(&self, name: &str) -> UploadId {
        self.store.create_upload(&self.key(name)).await.unwrap()
    }

    fn part_size(&self) -> usize {
        usize::try_from(self.store.limits().min_part).unwrap().max(1_000)
    }

    /// Parts of different contents; the last is shorter.
    fn parts(&self, count: u8) -> Vec<Vec<u8>> {
        let size = |number| if number == count { 7 } else { self.part_size() };
        (1..=count).map(|number| vec![number; size(number)]).collect()
    }

    async fn send(&self, name: &str, id: &UploadId, number: u32, body: &[u8]) -> Result<StoredPart, ObjectError> {
        let offset = u64::from(number - 1) * u64::try_from(self.part_size()).unwrap();
        self.store.upload_part(&self.key(name), id, number, offset, Bytes::copy_from_slice(body), crc(body)).await
    }

    async fn send_all(&self, name: &str, id: &UploadId, parts: &[Vec<u8>]) -> Vec<StoredPart> {
        let mut stored = Vec::new();
        for (number, body) in (1..).zip(parts) {
            stored.push(self.send(name, id, number, body).await.unwrap());
        }
        stored
    }

    async fn complete(
        &self,
        name: &str,
        id: &UploadId,
        parts: &[StoredPart],
        whole: Crc64,
        condition: &PutCondition,
    ) -> Result<StoredObject, ObjectError> {
        self.store.complete_upload(&self.key(name), id, parts, whole, condition).await
    }

    async fn open_uploads(&self) -> Vec<(ObjectKey, UploadId)> {
        let uploads = self.store.list_uploads(&self.prefix).await.unwrap();
        uploads.into_iter().map(|upload| (upload.key, upload.upload_id)).collect()
    }

    async fn list_parts(&self, name: &str, id: &UploadId) -> Result<Vec<StoredPart>, ObjectError> {
        self.store.list_parts(&self.key(name), id).await
    }
}

fn is_condition_failed<T: std::fmt::Debug>(outcome: &Result<T, ObjectError>) -> bool {
    matches!(outcome, Err(ObjectError::ConditionFailed))
}

fn is_no_such_upload<T: std::fmt::Debug>(outcome: &Result<T, ObjectError>) -> bool {
    matches!(outcome, Err(ObjectError::NoSuchUpload))
}

/// Whether the store took it.
async fn send(request: &tenantry_sync::objects::PresignedRequest, body: &[u8]) -> bool {
    let mut sent = crate::http_client().request(request.method.parse().unwrap(), &request.url).body(body.to_vec());
    for (name, value) in &request.headers {
        // The client counts for itself.
        if name.eq_ignore_ascii_case("content-length") && *value != body.len().to_string() {
            return false;
        }
        sent = sent.header(name, value);
    }
    sent.send().await.is_ok_and(|answer| answer.status().is_success())
}

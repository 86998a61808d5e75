use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use crc_fast::{CrcAlgorithm, checksum_combine, crc64_nvme};
use tenantry_kernel::Clock;
use tenantry_sync::objects::{
    Crc64, ObjectError, ObjectKey, ObjectStore, OpenUpload, PartLimits, Place, PresignedRequest, PutCondition,
    StoredObject, StoredPart, UploadId,
};

/// A store that keeps of objects what the port tells of them, but not their contents: gigabytes cost it nothing.
///
/// It is as strict as S3 is, and counts what is asked of it.
pub struct MemoryStore {
    place: Place,
    limits: PartLimits,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

/// How often each thing was asked for, successfully or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Calls {
    /// [`ObjectStore::put`].
    pub put: u64,
    /// [`ObjectStore::head`].
    pub head: u64,
    /// [`ObjectStore::list`].
    pub list: u64,
    /// [`ObjectStore::delete`].
    pub delete: u64,
    /// [`ObjectStore::create_upload`].
    pub create_upload: u64,
    /// [`ObjectStore::upload_part`].
    pub upload_part: u64,
    /// [`ObjectStore::list_parts`].
    pub list_parts: u64,
    /// [`ObjectStore::complete_upload`].
    pub complete_upload: u64,
    /// [`ObjectStore::abort_upload`].
    pub abort_upload: u64,
    /// [`ObjectStore::list_uploads`].
    pub list_uploads: u64,
    /// The bytes of all objects and parts that were sent.
    pub bytes: u64,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<ObjectKey, Content>,
    uploads: BTreeMap<String, Upload>,
    begun: u64,
    calls: Calls,
}

#[derive(Clone, Copy)]
struct Content {
    size: u64,
    checksum: Crc64,
}

struct Upload {
    key: ObjectKey,
    initiated_at: DateTime<Utc>,
    parts: BTreeMap<u32, Content>,
}

impl MemoryStore {
    /// An empty store, which takes parts of any size up to 5 GiB.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        const MAX: u64 = 5 * 1024 * 1024 * 1024;
        let limits = PartLimits { max_put: MAX, min_part: 1, max_part: MAX, max_parts: 10_000 };
        Self { place: Place::new("memory://".to_owned()), limits, clock, state: Mutex::default() }
    }

    /// With other limits, which it enforces as S3 does: the sizes of parts when an upload is completed.
    #[must_use]
    pub fn with_limits(mut self, limits: PartLimits) -> Self {
        self.limits = limits;
        self
    }

    /// What was asked so far.
    #[must_use]
    pub fn calls(&self) -> Calls {
        self.state().calls
    }

    /// All objects, by the bytes of their keys.
    #[must_use]
    pub fn objects(&self) -> Vec<StoredObject> {
        self.state().objects.iter().map(|(key, content)| content.object(key)).collect()
    }

    /// How many uploads were begun and neither completed nor aborted.
    #[must_use]
    pub fn open_uploads(&self) -> usize {
        self.state().uploads.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    /// What has arrived, if it is what was sent.
    fn arrived(body: &[u8], checksum: Crc64) -> Result<Self, ObjectError> {
        let arrived = Self { size: length_of(body), checksum: Crc64::new(crc64_nvme(body)) };
        if arrived.checksum == checksum { Ok(arrived) } else { Err(ObjectError::ChecksumMismatch) }
    }

    fn etag(self) -> String {
        format!("\"{:016x}-{}\"", self.checksum.get(), self.size)
    }

    fn object(self, key: &ObjectKey) -> StoredObject {
        StoredObject { key: key.clone(), size: self.size, checksum: Some(self.checksum), etag: Some(self.etag()) }
    }

    fn part(self, number: u32) -> StoredPart {
        StoredPart { number, size: self.size, checksum: Some(self.checksum), etag: self.etag() }
    }
}

impl State {
    fn write(
        &mut self,
        key: &ObjectKey,
        content: Content,
        condition: &PutCondition,
    ) -> Result<StoredObject, ObjectError> {
        let there = self.objects.get(key);
        let is_met = match condition {
            PutCondition::None => true,
            PutCondition::Absent => there.is_none(),
            PutCondition::Matches(etag) => there.is_some_and(|there| there.etag() == *etag),
        };
        if !is_met {
            return Err(ObjectError::ConditionFailed);
        }
        self.objects.insert(key.clone(), content);
        Ok(content.object(key))
    }

    fn upload(&mut self, key: &ObjectKey, id: &UploadId) -> Result<&mut Upload, ObjectError> {
        let upload = self.uploads.get_mut(id.as_str()).filter(|upload| upload.key == *key);
        upload.ok_or(ObjectError::NoSuchUpload)
    }
}

impl Upload {
    /// What these parts make, if they are there and large enough.
    fn whole(&self, parts: &[StoredPart], limits: PartLimits) -> Result<Content, ObjectError> {
        let length = u64::try_from(parts.len()).expect("a length");
        let mut whole = Content { size: 0, checksum: Crc64::new(crc64_nvme(b"")) };
        for (number, named) in (1..).zip(parts) {
            let part = self.parts.get(&number).filter(|part| named.number == number && part.etag() == named.etag);
            let part = part.ok_or_else(|| refused("InvalidPart"))?;
            if u64::from(number) != length && part.size < limits.min_part {
                return Err(refused("EntityTooSmall"));
            }
            let (first, second) = (whole.checksum.get(), part.checksum.get());
            whole.checksum = Crc64::new(checksum_combine(CrcAlgorithm::Crc64Nvme, first, second, part.size));
            whole.size += part.size;
        }
        if parts.is_empty() { Err(refused("MalformedXML")) } else { Ok(whole) }
    }
}

fn length_of(body: &[u8]) -> u64 {
    u64::try_from(body.len()).expect("a length")
}

fn refused(reason: &str) -> ObjectError {
    ObjectError::Refused { reason: reason.to_owned(), source: reason.into() }
}

#[async_trait]
impl ObjectStore for MemoryStore {
    fn place(&self) -> &Place {
        &self.place
    }

    fn limits(&self) -> PartLimits {
        self.limits
    }

    async fn put(
        &self,
        key: &ObjectKey,
        body: Bytes,
        checksum: Crc64,
        condition: &PutCondition,
    ) -> Result<StoredObject, ObjectError> {
        let content = Content::arrived(&body, checksum);
        let mut state = self.state();
        state.calls.put += 1;
        state.calls.bytes += length_of(&body);
        if length_of(&body) > self.limits.max_put {
            return Err(refused("EntityTooLarge"));
        }
        state.write(key, content?, condition)
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<StoredObject>, ObjectError> {
        let mut state = self.state();
        state.calls.head += 1;
        Ok(state.objects.get(key).map(|content| content.object(key)))
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&ObjectKey>,
        limit: u16,
    ) -> Result<Vec<StoredObject>, ObjectError> {
        let mut state = self.state();
        state.calls.list += 1;
        let first = ObjectKey::from_stored(prefix.to_owned());
        let from = match after {
            Some(after) if *after >= first => Bound::Excluded(after),
            _ => Bound::Included(&first),
        };
        let found = state.objects.range((from, Bound::Unbounded));
        let found = found.take_while(|(key, _)| key.as_str().starts_with(prefix)).take(limit.into());
        Ok(found.map(|(key, content)| content.object(key)).collect())
    }

    async fn delete(&self, keys: &[ObjectKey]) -> Result<Vec<(ObjectKey, ObjectError)>, ObjectError> {
        let mut state = self.state();
        state.calls.delete += 1;
        if keys.len() > 1_000 {
            return Err(refused("MalformedXML"));
        }
        for key in keys {
            state.objects.remove(key);
        }
        Ok(Vec::new())
    }

    async fn create_upload(&self, key: &ObjectKey) -> Result<UploadId, ObjectError> {
        let mut state = self.state();
        state.calls.create_upload += 1;
        state.begun += 1;
        let id = format!("upload-{:06}", state.begun);
        let upload = Upload { key: key.clone(), initiated_at: self.clock.now(), parts: BTreeMap::new() };
        state.uploads.insert(id.clone(), upload);
        Ok(UploadId::new(id))
    }

    async fn upload_part(
        &self,
        key: &ObjectKey,
        upload_id: &UploadId,
        number: u32,
        _offset: u64,
        body: Bytes,
        checksum: Crc64,
    ) -> Result<StoredPart, ObjectError> {
        let content = Content::arrived(&body, checksum);
        let mut state = self.state();
        state.calls.upload_part += 1;
        state.calls.bytes += length_of(&body);
        let upload = state.upload(key, upload_id)?;
        if !(1..=self.limits.max_parts).contains(&number) {
            return Err(refused("InvalidArgument"));
        }
        if length_of(&body) > self.limits.max_part {
            return Err(refused("EntityTooLarge"));
        }
        let content = content?;
        upload.parts.insert(number, content);
        Ok(content.part(number))
    }

    async fn list_parts(&self, key: &ObjectKey, upload_id: &UploadId) -> Result<Vec<StoredPart>, ObjectError> {
        let mut state = self.state();
        state.calls.list_parts += 1;
        let upload = state.upload(key, upload_id)?;
        Ok(upload.parts.iter().map(|(number, content)| content.part(*number)).collect())
    }

    async fn complete_upload(
        &self,
        key: &ObjectKey,
        upload_id: &UploadId,
        parts: &[StoredPart],
        checksum: Crc64,
        condition: &PutCondition,
    ) -> Result<StoredObject, ObjectError> {
        let mut state = self.state();
        state.calls.complete_upload += 1;
        let whole = state.upload(key, upload_id)?.whole(parts, self.limits)?;
        if whole.checksum != checksum {
            return Err(ObjectError::ChecksumMismatch);
        }
        let object = state.write(key, whole, condition)?;
        state.uploads.remove(upload_id.as_str());
        Ok(object)
    }

    async fn abort_upload(&self, key: &ObjectKey, upload_id: &UploadId) -> Result<(), ObjectError> {
        let mut state = self.state();
        state.calls.abort_upload += 1;
        if state.upload(key, upload_id).is_ok() {
            state.uploads.remove(upload_id.as_str());
        }
        Ok(())
    }

    async fn list_uploads(&self, prefix: &str) -> Result<Vec<OpenUpload>, ObjectError> {
        let mut state = self.state();
        state.calls.list_uploads += 1;
        let begun = state.uploads.iter().filter(|(_, upload)| upload.key.as_str().starts_with(prefix));
        let mut uploads: Vec<_> = begun
            .map(|(id, upload)| OpenUpload {
                key: upload.key.clone(),
                upload_id: UploadId::new(id.clone()),
                initiated_at: upload.initiated_at,
            })
            .collect();
        uploads.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(uploads)
    }

    async fn presign_put(
        &self,
        _key: &ObjectKey,
        _size: u64,
        _checksum: Option<Crc64>,
        _expires_in: Duration,
    ) -> Result<Option<PresignedRequest>, ObjectError> {
        Ok(None)
    }

    async fn presign_part(
        &self,
        _key: &ObjectKey,
        _upload_id: &UploadId,
        _number: u32,
        _size: u64,
        _checksum: Crc64,
        _expires_in: Duration,
    ) -> Result<Option<PresignedRequest>, ObjectError> {
        Ok(None)
    }
}

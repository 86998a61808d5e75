//! Objects: writing, looking at and removing them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, BorrowedFd};

use crc_fast::{CrcAlgorithm, Digest};
use tenantry_sync::objects::{Crc64, ObjectError, ObjectKey, PutCondition, StoredObject};

use super::errors::{failed, refused};
use super::files;
use super::names::ObjectPath;
use super::record::{self, Identity};
use super::root::{Flush, Root};

/// How often a folder is made anew that others remove for being empty.
const ATTEMPTS: u32 = 100;

/// As much as is read at once.
const CHUNK: usize = 256 * 1024;

impl Root {
    pub fn put(
        &self,
        key: &ObjectKey,
        body: &[u8],
        checksum: Crc64,
        condition: &PutCondition,
    ) -> Result<StoredObject, ObjectError> {
        let path = self.path(key)?;
        if Crc64::of(body) != checksum {
            return Err(ObjectError::ChecksumMismatch);
        }
        let (temporary, file) = self.write_temporary(body, Flush::Yes).map_err(failed)?;
        self.install(key, &path, (temporary.place(), &file), checksum, condition)
    }

    pub fn path(&self, key: &ObjectKey) -> Result<ObjectPath, ObjectError> {
        self.names.path(key).ok_or_else(|| refused("InvalidKey", "the key is no path that leads nowhere but down"))
    }

    /// Moves a file that was flushed to where the object is, if the condition is met.
    pub fn install(
        &self,
        key: &ObjectKey,
        path: &ObjectPath,
        (from, file): ((BorrowedFd<'_>, &str), &File),
        checksum: Crc64,
        condition: &PutCondition,
    ) -> Result<StoredObject, ObjectError> {
        let identity = Identity::of(&file.metadata().map_err(failed)?);
        let _lock = self.hold(&path.lock()).map_err(failed)?;
        if let PutCondition::Matches(expected) = condition {
            let there = self.look(path).map_err(failed)?;
            if there.is_none_or(|(size, checksum)| record::etag(size, checksum) != *expected) {
                return Err(ObjectError::ConditionFailed);
            }
        }
        self.move_in(path, from, *condition == PutCondition::Absent)?;
        // Without one, it is made anew from the object.
        drop(self.write_record(path, &identity, checksum));
        Ok(stored(key.clone(), identity.size(), checksum))
    }

    fn move_in(&self, path: &ObjectPath, from: (BorrowedFd<'_>, &str), absent: bool) -> Result<(), ObjectError> {
        let moved = making(self.objects.as_fd(), path, |to| {
            if absent { files::place(from, to) } else { files::replace(from, to) }?;
            files::sync_folder(to.0)
        });
        moved.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => ObjectError::ConditionFailed,
            _ => failed(error),
        })
    }

    fn write_record(&self, path: &ObjectPath, identity: &Identity, checksum: Crc64) -> io::Result<()> {
        let text = record::write(identity, checksum);
        making(self.records.as_fd(), path, |to| self.write_text(to, &text, Flush::No))
    }

    pub fn head(&self, key: &ObjectKey) -> Result<Option<StoredObject>, ObjectError> {
        // No object can have such a key.
        let Some(path) = self.names.path(key) else { return Ok(None) };
        let there = self.glance(&path).and_then(|there| match there {
            Some((size, Some(checksum))) => Ok(Some((size, checksum))),
            None => Ok(None),
            Some((_, None)) => {
                let _lock = self.hold(&path.lock())?;
                self.look(&path)
            }
        });
        Ok(there.map_err(failed)?.map(|(size, checksum)| stored(key.clone(), size, checksum)))
    }

    /// The size of an object and its checksum, if that is on record.
    fn glance(&self, path: &ObjectPath) -> io::Result<Option<(u64, Option<Crc64>)>> {
        let Some(folder) = files::descend(self.objects.as_fd(), &path.folders)? else { return Ok(None) };
        let Some(file) = files::open(&folder, &path.file)? else { return Ok(None) };
        let identity = Identity::of(&file.metadata()?);
        let records = files::descend(self.records.as_fd(), &path.folders)?;
        let checksum = match records {
            Some(records) => recorded(records.as_fd(), &path.file, &identity)?,
            None => None,
        };
        Ok(Some((identity.size(), checksum)))
    }

    /// The size of an object and its checksum, which is recorded if it was not. Needs the lock of the key.
    fn look(&self, path: &ObjectPath) -> io::Result<Option<(u64, Crc64)>> {
        match self.glance(path)? {
            Some((size, Some(checksum))) => return Ok(Some((size, checksum))),
            None => return Ok(None),
            Some((_, None)) => {}
        }
        let Some(folder) = files::descend(self.objects.as_fd(), &path.folders)? else { return Ok(None) };
        let Some(file) = files::open(&folder, &path.file)? else { return Ok(None) };
        let identity = Identity::of(&file.metadata()?);
        let checksum = read_checksum(&file)?;
        drop(self.write_record(path, &identity, checksum));
        Ok(Some((identity.size(), checksum)))
    }

    /// Removes the objects, folder by folder, so that each is flushed once.
    pub fn delete(&self, keys: &[ObjectKey]) -> Vec<(ObjectKey, ObjectError)> {
        let mut folders: BTreeMap<Vec<String>, Vec<(&ObjectKey, ObjectPath)>> = BTreeMap::new();
        for key in keys {
            if let Some(path) = self.names.path(key) {
                folders.entry(path.folders.clone()).or_default().push((key, path));
            }
        }
        let mut failures = Vec::new();
        for (folder, objects) in folders {
            let removed = objects.iter().map(|(key, path)| (*key, self.remove(path)));
            failures.extend(removed.filter_map(|(key, outcome)| Some((key.clone(), failed(outcome.err()?)))));
            if let Err(error) = self.settle(&folder) {
                let (kind, text) = (error.kind(), error.to_string());
                let again = || failed(io::Error::new(kind, text.clone()));
                failures.extend(objects.iter().map(|(key, _)| ((*key).clone(), again())));
            }
        }
        failures
    }

    fn remove(&self, path: &ObjectPath) -> io::Result<()> {
        let _lock = self.hold(&path.lock())?;
        for base in [&self.objects, &self.records] {
            if let Some(folder) = files::descend(base.as_fd(), &path.folders)? {
                files::remove(folder, &path.file)?;
            }
        }
        Ok(())
    }

    /// Makes sure that what was removed from a folder stays away, and removes the folder if it is empty now.
    fn settle(&self, folders: &[String]) -> io::Result<()> {
        if let Some(folder) = files::descend(self.objects.as_fd(), folders)? {
            files::sync_folder(folder)?;
        }
        files::prune(self.objects.as_fd(), folders)?;
        files::prune(self.records.as_fd(), folders)
    }
}

/// Does something in the folder of an object, which is made if need be: once more when it was removed meanwhile.
fn making(
    base: BorrowedFd<'_>,
    path: &ObjectPath,
    mut act: impl FnMut((BorrowedFd<'_>, &str)) -> io::Result<()>,
) -> io::Result<()> {
    let mut attempt = || {
        let folder = files::descend_making(base, &path.folders)?;
        act((folder.as_fd(), &path.file))
    };
    for _ in 1..ATTEMPTS {
        match attempt() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            outcome => return outcome,
        }
    }
    attempt()
}

/// The checksum that is on record for this file.
pub(super) fn recorded(records: BorrowedFd<'_>, name: &str, identity: &Identity) -> io::Result<Option<Crc64>> {
    Ok(files::read_text(records, name)?.and_then(|text| record::read(&text, identity)))
}

fn read_checksum(mut file: &File) -> io::Result<Crc64> {
    let mut digest = Digest::new(CrcAlgorithm::Crc64Nvme);
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(Crc64::new(digest.finalize())),
            length => digest.update(chunk.get(..length).unwrap_or_default()),
        }
    }
}

fn stored(key: ObjectKey, size: u64, checksum: Crc64) -> StoredObject {
    StoredObject { key, size, checksum: Some(checksum), etag: Some(record::etag(size, checksum)) }
}

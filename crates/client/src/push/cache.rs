//! Remembers the checksums of files, so that those that are as they were need not be read.
//!
//! The file is a list of records of 64 bytes: seven numbers, and the checksum of these. A record that is damaged, or of
//! which a process that was killed wrote a part, counts for nothing; of two for a path the later counts.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use tenantry_sync::FileIdentity;
use tenantry_sync::objects::{Crc64, RelativePath};

/// What files of this kind and version begin with.
const HEADER: &[u8; 64] = b"tenantry push: checksums of files, version 1\n                   ";

/// Bytes of a record.
const RECORD: usize = 64;

/// A file that was written to so shortly before it was read may be written to once more without its times telling, so
/// that it is read again the next time. In nanoseconds.
const UNSETTLED: i64 = 2_000_000_000;

/// Records that are written at once.
const AT_ONCE: usize = 256;

/// Checksums of files.
#[derive(Debug, Default)]
pub(super) struct Cache {
    known: HashMap<u64, Known>,
    file: Option<File>,
    path: PathBuf,
    unwritten: Vec<u8>,
    /// Records in the file.
    records: usize,
    pass: u32,
}

/// What is known of the file of a path.
#[derive(Debug, Clone, Copy)]
struct Known {
    identity: FileIdentity,
    checksum: Crc64,
    /// Whether the checksum may be believed as long as the file is the same.
    is_settled: bool,
    /// Whether this process has made sure that the store has it.
    is_stored: bool,
    /// When it was last looked up.
    pass: u32,
}

impl Cache {
    /// Reads what an earlier process has left in `folder` under this name. Without a folder, and where another process
    /// uses it, it remembers for as long as it lives.
    pub fn open(folder: Option<&Path>, name: &str) -> Self {
        let Some(folder) = folder else { return Self::default() };
        let path = folder.join(format!("{:016x}", Crc64::of(name.as_bytes()).get()));
        let mut cache = Self { path, ..Self::default() };
        // It only saves time: what can't be read is done without.
        cache.load(folder).ok();
        cache
    }

    fn load(&mut self, folder: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut file = options().open(&self.path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let is_whole = bytes.len().is_multiple_of(RECORD);
        let Some(records) = bytes.strip_prefix(HEADER) else {
            file.set_len(0)?;
            file.write_all(HEADER)?;
            self.file = Some(file);
            return Ok(());
        };
        for record in records.chunks_exact(RECORD) {
            if let Some((path, known)) = parse(record) {
                self.known.insert(path, known);
            }
            self.records += 1;
        }
        if !is_whole {
            let whole = u64::try_from(RECORD + self.records * RECORD).map_err(io::Error::other)?;
            file.set_len(whole)?;
        }
        self.file = Some(file);
        Ok(())
    }

    /// The checksum of a file, if it is as it was.
    pub fn look_up(&mut self, path: &RelativePath, identity: &FileIdentity) -> Option<Crc64> {
        let pass = self.pass;
        let known = self.known.get_mut(&key(path)).filter(|known| known.identity == *identity)?;
        known.pass = pass;
        known.is_settled.then_some(known.checksum)
    }

    /// Whether this process has made sure that the store has these bytes of a file.
    pub fn is_stored(&self, path: &RelativePath, checksum: Crc64) -> bool {
        self.known.get(&key(path)).is_some_and(|known| known.is_stored && known.checksum == checksum)
    }

    /// The store has these bytes of a file.
    pub fn note_stored(&mut self, path: &RelativePath, checksum: Crc64) {
        if let Some(known) = self.known.get_mut(&key(path)).filter(|known| known.checksum == checksum) {
            known.is_stored = true;
        }
    }

    /// Remembers the checksum of a file that was read at `now`, or a little before.
    pub fn insert(&mut self, path: &RelativePath, identity: FileIdentity, checksum: Crc64, now: DateTime<Utc>) {
        let written = identity.mtime_ns.max(identity.ctime_ns);
        let is_settled = now.timestamp_nanos_opt().is_some_and(|now| now.saturating_sub(written) > UNSETTLED);
        let key = key(path);
        let is_stored = self.is_stored(path, checksum);
        self.known.insert(key, Known { identity, checksum, is_settled, is_stored, pass: self.pass });
        if is_settled && self.file.is_some() {
            self.unwritten.extend_from_slice(&record(key, &identity, checksum));
            if self.unwritten.len() >= AT_ONCE * RECORD {
                self.flush();
            }
        }
    }

    /// Writes down what is not yet.
    pub fn flush(&mut self) {
        let Some(file) = self.file.as_mut().filter(|_| !self.unwritten.is_empty()) else { return };
        // In one call, so that what a kill leaves is whole records and at most one part of one.
        match file.write_all(&self.unwritten) {
            Ok(()) => self.records += self.unwritten.len() / RECORD,
            Err(_) => self.file = None,
        }
        self.unwritten.clear();
    }

    /// The whole folder was looked through: what was not looked up is gone.
    pub fn end_pass(&mut self) {
        self.flush();
        let pass = self.pass;
        self.known.retain(|_, known| known.pass == pass);
        self.pass = self.pass.wrapping_add(1);
        if self.file.is_some() && self.records > 2 * self.known.len() + 1_000 {
            // The old file is as good.
            self.rewrite().ok();
        }
    }

    fn rewrite(&mut self) -> io::Result<()> {
        let next = self.path.with_extension("next");
        let mut bytes = HEADER.to_vec();
        for (key, known) in self.known.iter().filter(|(_, known)| known.is_settled) {
            bytes.extend_from_slice(&record(*key, &known.identity, known.checksum));
        }
        fs::remove_file(&next).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
        let mut file = options().open(&next)?;
        file.lock()?;
        file.write_all(&bytes)?;
        fs::rename(&next, &self.path)?;
        self.records = bytes.len() / RECORD - 1;
        self.file = Some(file);
        Ok(())
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).mode(0o600);
    options
}

/// Two paths of one key would need the same file, too, to be taken for one another.
fn key(path: &RelativePath) -> u64 {
    Crc64::of(path.as_bytes()).get()
}

fn record(key: u64, identity: &FileIdentity, checksum: Crc64) -> [u8; RECORD] {
    let numbers = [
        key,
        identity.device,
        identity.inode,
        identity.size,
        identity.mtime_ns.cast_unsigned(),
        identity.ctime_ns.cast_unsigned(),
        checksum.get(),
    ];
    let mut bytes = [0; RECORD];
    let (body, check) = bytes.split_at_mut(RECORD - 8);
    for (place, number) in body.chunks_exact_mut(8).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    check.copy_from_slice(&Crc64::of(body).get().to_le_bytes());
    bytes
}

fn parse(record: &[u8]) -> Option<(u64, Known)> {
    let (body, check) = record.split_at_checked(RECORD - 8)?;
    if Crc64::of(body).get().to_le_bytes() != check {
        return None;
    }
    let mut numbers = body.chunks_exact(8).filter_map(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
    let mut next = || numbers.next();
    let key = next()?;
    let identity = FileIdentity {
        device: next()?,
        inode: next()?,
        size: next()?,
        mtime_ns: next()?.cast_signed(),
        ctime_ns: next()?.cast_signed(),
    };
    let checksum = Crc64::new(next()?);
    Some((key, Known { identity, checksum, is_settled: true, is_stored: false, pass: u32::MAX }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str) -> RelativePath {
        RelativePath::parse(name.as_bytes()).unwrap()
    }

    fn identity(inode: u64) -> FileIdentity {
        FileIdentity { device: 1, inode, size: 9, mtime_ns: -5, ctime_ns: 7 }
    }

    fn late() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).unwrap()
    }

    /// The only file in a folder.
    fn only(folder: &Path) -> PathBuf {
        let files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        let [file] = &files[..] else { panic!("{files:?}") };
        file.clone()
    }

    #[test]
    fn u8_checksums_outlive_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let mut cache = Cache::open(Some(folder.path()), "a");
        for inode in 0..1_000 {
            cache.insert(&path(&inode.to_string()), identity(inode), Crc64::new(inode), late());
        }
        cache.insert(&path("1"), identity(1), Crc64::new(77), late());
        cache.end_pass();
        drop(cache);
        let mut cache = Cache::open(Some(folder.path()), "a");
        assert_eq!(cache.look_up(&path("1"), &identity(1)), Some(Crc64::new(77)));
        assert_eq!(cache.look_up(&path("999"), &identity(999)), Some(Crc64::new(999)));
        assert_eq!(cache.look_up(&path("999"), &identity(998)), None, "another file has taken its place");
        assert_eq!(cache.look_up(&path("none"), &identity(1)), None);
        assert_eq!(Cache::open(Some(folder.path()), "b").look_up(&path("1"), &identity(1)), None, "another target");
    }

    #[test]
    fn u8_what_may_change_unseen_is_not_believed() {
        let mut cache = Cache::default();
        let at = late().timestamp_nanos_opt().unwrap();
        let fresh = FileIdentity { mtime_ns: at - 1_000_000_000, ..identity(1) };
        cache.insert(&path("a"), fresh, Crc64::new(1), late());
        assert_eq!(cache.look_up(&path("a"), &fresh), None);
        cache.note_stored(&path("a"), Crc64::new(1));
        assert!(cache.is_stored(&path("a"), Crc64::new(1)) && !cache.is_stored(&path("a"), Crc64::new(2)));
        cache.insert(&path("a"), fresh, Crc64::new(1), late() + chrono::Duration::seconds(3));
        assert_eq!(cache.look_up(&path("a"), &fresh), Some(Crc64::new(1)));
        assert!(cache.is_stored(&path("a"), Crc64::new(1)));
    }

    #[test]
    fn u8_damage_costs_no_more_than_what_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let write = || {
            let mut cache = Cache::open(Some(folder.path()), "a");
            for inode in 0..10 {
                cache.insert(&path(&inode.to_string()), identity(inode), Crc64::new(inode), late());
            }
            cache.flush();
        };
        let count = || {
            let mut cache = Cache::open(Some(folder.path()), "a");
            (0..10).filter(|inode| cache.look_up(&path(&inode.to_string()), &identity(*inode)).is_some()).count()
        };
        write();
        let file = only(folder.path());
        let whole = fs::read(&file).unwrap();
        assert_eq!((whole.len(), count()), (64 * 11, 10));
        let mut damaged = whole.clone();
        damaged[64 * 3 + 20] ^= 1;
        fs::write(&file, &damaged).unwrap();
        assert_eq!(count(), 9);
        fs::write(&file, &whole[..64 * 6 + 5]).unwrap();
        assert_eq!(count(), 5);
        assert_eq!(fs::metadata(&file).unwrap().len(), 64 * 6, "what comes next begins where a record does");
        for nonsense in [&b""[..], b"x", &whole[..63], &[0; 640], b"tenantry push"] {
            fs::write(&file, nonsense).unwrap();
            assert_eq!(count(), 0);
            write();
            assert_eq!(count(), 10);
        }
    }

    #[test]
    fn u8_two_processes_do_not_write_into_one_another() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = Cache::open(Some(folder.path()), "a");
        let mut second = Cache::open(Some(folder.path()), "a");
        second.insert(&path("a"), identity(1), Crc64::new(1), late());
        assert_eq!(second.look_up(&path("a"), &identity(1)), Some(Crc64::new(1)), "but it remembers");
        second.flush();
        first.flush();
        assert_eq!(fs::metadata(only(folder.path())).unwrap().len(), 64);
    }

    #[test]
    fn u8_what_is_gone_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let mut cache = Cache::open(Some(folder.path()), "a");
        for pass in 0..3 {
            for inode in 0..2_000 {
                cache.insert(&path(&inode.to_string()), identity(inode + pass), Crc64::new(inode), late());
            }
            cache.end_pass();
        }
        cache.insert(&path("1"), identity(1), Crc64::new(1), late());
        cache.end_pass();
        assert_eq!(fs::metadata(only(folder.path())).unwrap().len(), 128);
        drop(cache);
        let mut cache = Cache::open(Some(folder.path()), "a");
        assert_eq!(cache.look_up(&path("1"), &identity(1)), Some(Crc64::new(1)));
        cache.insert(&path("2"), identity(2), Crc64::new(2), late());
        cache.flush();
        drop(cache);
        assert!(Cache::open(Some(folder.path()), "a").look_up(&path("2"), &identity(2)).is_some());
    }
}

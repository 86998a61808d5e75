//! Reading files: their checksums, and the bytes that are to be sent.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use tenantry_source::{OpenError, SourceFile, SourceFolder, Symlinks};
use tenantry_sync::FileIdentity;
use tenantry_sync::objects::{Crc64, Crc64Digest, RelativePath};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

/// Bytes that are read at once. The checksum of each such piece of a file is remembered.
const PIECE: u64 = 1 << 20;

/// Larger files are read once more when they are sent.
const KEPT: u64 = 256 << 10;

/// Why a file can't be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("changes while it is read")]
    Changed,
    #[error("is no longer there")]
    Vanished,
    #[error("{0}")]
    Final(String),
}

impl From<OpenError> for ReadError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Vanished => Self::Vanished,
            OpenError::Unreadable(error) => error.into(),
            OpenError::NotRegular => Self::Final("is no regular file".to_owned()),
        }
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Final(format!("can't be read: {}", error.kind()))
    }
}

/// What a file was when it was read.
#[derive(Debug)]
pub(super) struct Summed {
    pub identity: FileIdentity,
    pub checksum: Crc64,
    /// The checksums of its pieces, if it has more than one.
    pub pieces: Vec<Crc64>,
    /// The bytes of a small file, as long as there is room for them.
    pub kept: Option<Kept>,
}

/// The bytes of a file, and the right to hold them in memory.
#[derive(Debug)]
pub(super) struct Kept {
    pub bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

/// A folder whose files are read.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    folder: Arc<SourceFolder>,
    /// Bytes of small files that may be kept.
    room: Arc<Semaphore>,
    is_stopped: Arc<AtomicBool>,
}

impl Reader {
    pub fn new(folder: Arc<SourceFolder>, room_bytes: u64) -> Self {
        let room = usize::try_from(room_bytes).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self { folder, room: Arc::new(Semaphore::new(room)), is_stopped: Arc::default() }
    }

    /// Breaks off reading for checksums, which takes long where files are large.
    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    /// Reads again from now on.
    pub fn resume(&self) {
        self.is_stopped.store(false, Ordering::Relaxed);
    }

    /// Reads a file for its checksum. Blocks.
    pub fn sum(&self, path: &RelativePath) -> Result<Summed, ReadError> {
        let source = self.folder.open(path, Symlinks::Never)?;
        let identity = source.identity()?;
        let summed =
            if identity.size <= KEPT { self.small(&source, identity)? } else { self.large(&source, identity)? };
        if source.identity()? == identity { Ok(summed) } else { Err(ReadError::Changed) }
    }

    fn small(&self, source: &SourceFile, identity: FileIdentity) -> Result<Summed, ReadError> {
        let bytes = exactly(source, 0, identity.size)?;
        let checksum = Crc64::of(&bytes);
        let room =
            u32::try_from(identity.size).ok().and_then(|size| self.room.clone().try_acquire_many_owned(size).ok());
        let kept = room.map(|room| Kept { bytes: bytes.into(), _room: room });
        Ok(Summed { identity, checksum, pieces: Vec::new(), kept })
    }

    fn large(&self, source: &SourceFile, identity: FileIdentity) -> Result<Summed, ReadError> {
        let mut digest = Crc64Digest::new();
        let mut pieces = Vec::new();
        let mut offset = 0;
        while offset < identity.size {
            if self.is_stopped.load(Ordering::Relaxed) {
                return Err(ReadError::Final("was not read to its end".to_owned()));
            }
            let length = PIECE.min(identity.size - offset);
            let piece = exactly(source, offset, length)?;
            digest.update(&piece);
            if identity.size > PIECE {
                pieces.push(Crc64::of(&piece));
            }
            offset += length;
        }
        Ok(Summed { identity, checksum: digest.finish(), pieces, kept: None })
    }

    /// Opens a file that is still what it was.
    pub async fn open(&self, path: &RelativePath, identity: FileIdentity) -> Result<SourceFile, ReadError> {
        let (folder, path) = (self.folder.clone(), path.clone());
        blocking(move || {
            let source = folder.open(&path, Symlinks::Never)?;
            if source.identity()? == identity { Ok(source) } else { Err(ReadError::Changed) }
        })
        .await
    }
}

fn exactly(source: &SourceFile, offset: u64, length: u64) -> Result<Vec<u8>, ReadError> {
    let wanted = usize::try_from(length).or(Err(ReadError::Final("is too large for this machine".to_owned())))?;
    let bytes = source.read_at(offset, wanted)?;
    if bytes.len() == wanted { Ok(bytes) } else { Err(ReadError::Changed) }
}

/// Some bytes of a file that is still what it was.
pub(super) async fn read_still(
    source: &SourceFile,
    identity: FileIdentity,
    offset: u64,
    length: u64,
) -> Result<Bytes, ReadError> {
    let source = source.clone();
    blocking(move || {
        let bytes = exactly(&source, offset, length)?;
        if source.identity()? == identity { Ok(bytes.into()) } else { Err(ReadError::Changed) }
    })
    .await
}

/// Some bytes of a file, if they have this checksum.
pub(super) async fn read_same(
    source: &SourceFile,
    offset: u64,
    length: u64,
    checksum: Crc64,
) -> Result<Bytes, ReadError> {
    let source = source.clone();
    blocking(move || {
        let bytes = exactly(&source, offset, length)?;
        if Crc64::of(&bytes) == checksum { Ok(bytes.into()) } else { Err(ReadError::Changed) }
    })
    .await
}

/// The checksum of some bytes of a file, from those of its pieces where they are known and fit.
pub(super) async fn sum_range(
    source: &SourceFile,
    pieces: &[Crc64],
    offset: u64,
    length: u64,
) -> Result<Crc64, ReadError> {
    if let Some(checksum) = combined(pieces, offset, length) {
        return Ok(checksum);
    }
    let source = source.clone();
    blocking(move || {
        let mut digest = Crc64Digest::new();
        let mut done = 0;
        while done < length {
            let next = PIECE.min(length - done);
            digest.update(&exactly(&source, offset + done, next)?);
            done += next;
        }
        Ok(digest.finish())
    })
    .await
}

/// Only the last piece of a file is shorter than the others, and with it every range that ends beyond the last whole
/// piece.
fn combined(pieces: &[Crc64], offset: u64, length: u64) -> Option<Crc64> {
    if pieces.is_empty() || !offset.is_multiple_of(PIECE) {
        return None;
    }
    let first = usize::try_from(offset / PIECE).ok()?;
    let end = first.checked_add(usize::try_from(length.div_ceil(PIECE)).ok()?)?;
    if !length.is_multiple_of(PIECE) && end != pieces.len() {
        return None;
    }
    let mut rest = length;
    let sized = pieces.get(first..end)?.iter().map(|piece| {
        let size = rest.min(PIECE);
        rest -= size;
        (*piece, size)
    });
    Some(Crc64::combine(sized))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
) -> Result<T, ReadError> {
    spawn_blocking(work).await.unwrap_or_else(|error| Err(ReadError::Final(error.to_string())))
}

/// Whether the file is still what it was.
pub(super) async fn is_still(source: &SourceFile, identity: FileIdentity) -> Result<bool, ReadError> {
    let source = source.clone();
    blocking(move || Ok(source.identity()? == identity)).await
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn reader(folder: &tempfile::TempDir, room: u64) -> Reader {
        Reader::new(Arc::new(SourceFolder::at(folder.path()).unwrap()), room)
    }

    fn path(name: &str) -> RelativePath {
        RelativePath::parse(name.as_bytes()).unwrap()
    }

    #[tokio::test]
    async fn u8_checksums_of_ranges_are_those_of_their_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = vec![0; (5 << 20) + 77];
        fastrand::Rng::with_seed(3).fill(&mut bytes);
        fs::write(folder.path().join("a"), &bytes).unwrap();
        let reader = reader(&folder, 0);
        let summed = reader.sum(&path("a")).unwrap();
        assert_eq!((summed.checksum, summed.pieces.len()), (Crc64::of(&bytes), 6));
        let source = reader.open(&path("a"), summed.identity).await.unwrap();
        for (offset, length, is_known) in [
            (0, bytes.len(), true),
            (2 << 20, 1 << 20, true),
            (3 << 20, (2 << 20) + 77, true),
            (5 << 20, 77, true),
            (1 << 20, 1_000, false),
            (7, 3 << 20, false),
        ] {
            let [from, size] = [offset, length].map(|number| u64::try_from(number).unwrap());
            let expected = Crc64::of(&bytes[offset..offset + length]);
            assert_eq!(combined(&summed.pieces, from, size), is_known.then_some(expected), "{offset}+{length}");
            for pieces in [&summed.pieces[..], &[]] {
                assert_eq!(sum_range(&source, pieces, from, size).await.unwrap(), expected, "{offset}+{length}");
            }
            assert_eq!(read_same(&source, from, size, expected).await.unwrap(), bytes[offset..offset + length]);
            assert!(matches!(read_same(&source, from, size, Crc64::new(1)).await, Err(ReadError::Changed)));
        }
        let still = |length| read_still(&source, summed.identity, 5 << 20, length);
        assert_eq!(still(77).await.unwrap(), bytes[5 << 20..]);
        assert!(matches!(still(78).await, Err(ReadError::Changed)), "it ends before");
    }

    #[tokio::test]
    async fn u8_small_files_are_kept_while_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b", "empty"] {
            fs::write(folder.path().join(name), if name == "empty" { "" } else { "0123456789" }).unwrap();
        }
        let reader = reader(&folder, 15);
        let first = reader.sum(&path("a")).unwrap();
        assert_eq!(first.kept.as_ref().unwrap().bytes, "0123456789");
        assert!(reader.sum(&path("b")).unwrap().kept.is_none());
        assert_eq!(reader.sum(&path("empty")).unwrap().kept.unwrap().bytes, "");
        drop(first);
        assert!(reader.sum(&path("b")).unwrap().kept.is_some());
        assert!(matches!(reader.sum(&path("none")), Err(ReadError::Vanished)));
    }

    #[tokio::test]
    async fn u8_a_file_that_is_another_is_not_opened_for_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "1").unwrap();
        let reader = reader(&folder, 0);
        let identity = reader.sum(&path("a")).unwrap().identity;
        let source = reader.open(&path("a"), identity).await.unwrap();
        assert!(is_still(&source, identity).await.unwrap());
        fs::write(folder.path().join("a"), "22").unwrap();
        assert!(!is_still(&source, identity).await.unwrap());
        assert!(matches!(reader.open(&path("a"), identity).await, Err(ReadError::Changed)));
    }
}

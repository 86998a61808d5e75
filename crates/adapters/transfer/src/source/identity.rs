use std::io;
use std::os::fd::AsFd;

use cap_std::fs::MetadataExt as _;
use rustix::fs::{Stat, fstat};

/// Which file it is and in which state. When all of it is as it was, nobody has written to the file; the time of the
/// last change to the inode can't be set back, unlike that of the last write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileIdentity {
    /// The file system.
    pub device: u64,
    /// The file within it.
    pub inode: u64,
    /// In bytes.
    pub size: u64,
    /// When it was last written to, in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// When it or what is said of it was last changed, in nanoseconds since 1970.
    pub ctime_ns: i64,
}

/// Which folder it is, whatever path leads to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct FolderId {
    pub device: u64,
    pub inode: u64,
}

impl FolderId {
    pub fn of(folder: impl AsFd) -> io::Result<Self> {
        let stat = fstat(folder)?;
        Ok(Self { device: number(stat.st_dev), inode: number(stat.st_ino) })
    }
}

impl FileIdentity {
    pub(super) fn of_stat(stat: &Stat) -> Self {
        Self {
            device: number(stat.st_dev),
            inode: number(stat.st_ino),
            size: number(stat.st_size),
            mtime_ns: nanoseconds(stat.st_mtime, stat.st_mtime_nsec),
            ctime_ns: nanoseconds(stat.st_ctime, stat.st_ctime_nsec),
        }
    }

    pub(super) fn of_metadata(metadata: &cap_std::fs::Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            mtime_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            ctime_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Systems differ in the types of these fields.
fn number<T>(field: T) -> u64
where
    u64: TryFrom<T>,
{
    u64::try_from(field).unwrap_or_default()
}

fn nanoseconds<S, N>(seconds: S, nanoseconds: N) -> i64
where
    i64: TryFrom<S> + TryFrom<N>,
{
    let seconds = i64::try_from(seconds).unwrap_or_default();
    seconds.saturating_mul(1_000_000_000).saturating_add(i64::try_from(nanoseconds).unwrap_or_default())
}

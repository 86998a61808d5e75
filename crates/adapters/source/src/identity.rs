use std::io;
use std::os::fd::AsFd;

use cap_std::fs::MetadataExt as _;
use rustix::fs::{Stat, fstat};
use tenantry_sync::FileIdentity;

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

/// The file that `stat` is of.
pub(super) fn of_stat(stat: &Stat) -> FileIdentity {
    FileIdentity {
        device: number(stat.st_dev),
        inode: number(stat.st_ino),
        size: number(stat.st_size),
        mtime_ns: nanoseconds(stat.st_mtime, stat.st_mtime_nsec),
        ctime_ns: nanoseconds(stat.st_ctime, stat.st_ctime_nsec),
    }
}

/// The file that `metadata` is of.
pub(super) fn of_metadata(metadata: &cap_std::fs::Metadata) -> FileIdentity {
    FileIdentity {
        device: metadata.dev(),
        inode: metadata.ino(),
        size: metadata.len(),
        mtime_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        ctime_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
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

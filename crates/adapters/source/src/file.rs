use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::buffer::spare_capacity;
use rustix::fs::{FileType, fstat};
use rustix::io::{Errno, pread, retry_on_intr};

use tenantry_sync::FileIdentity;

use crate::identity;

/// An opened file. Clones are the same open file and may be read from at once.
#[derive(Debug, Clone)]
pub struct SourceFile(Arc<OwnedFd>);

/// Why a file can't be read.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is no longer there.
    #[error("the file is no longer there")]
    Vanished,
    /// What is there is no regular file, or a link that is not to be followed leads there.
    #[error("it is no regular file")]
    NotRegular,
    /// The system refuses, or the device fails.
    #[error("the file can't be read")]
    Unreadable(#[source] io::Error),
}

impl From<Errno> for OpenError {
    fn from(error: Errno) -> Self {
        match error {
            Errno::NOENT | Errno::NOTDIR => Self::Vanished,
            // A link; a link that leads outside; a socket or a device without a driver.
            Errno::LOOP | Errno::XDEV | Errno::NXIO | Errno::NODEV => Self::NotRegular,
            other => Self::Unreadable(other.into()),
        }
    }
}

impl SourceFile {
    pub(super) fn new(file: OwnedFd) -> Result<Self, OpenError> {
        let stat = fstat(&file)?;
        let is_regular = FileType::from_raw_mode(stat.st_mode).is_file();
        if is_regular { Ok(Self(Arc::new(file))) } else { Err(OpenError::NotRegular) }
    }

    /// Which file it is, and in which state it is now.
    pub fn identity(&self) -> io::Result<FileIdentity> {
        Ok(identity::of_stat(&fstat(&*self.0)?))
    }

    /// The `len` bytes from `offset` on; fewer only where the file ends.
    pub fn read_at(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(len);
        let mut next = offset;
        while bytes.len() < len {
            let read = retry_on_intr(|| pread(&*self.0, spare_capacity(&mut bytes), next))?;
            if read == 0 {
                break;
            }
            next = next.saturating_add(u64::try_from(read).map_err(io::Error::other)?);
        }
        // The allocator may have given more room than was asked for.
        bytes.truncate(len);
        Ok(bytes)
    }
}

//! The folder itself: opening it, and what every operation in it needs.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use rustix::fs::{Mode, OFlags};
use tenantry_kernel::{Clock, IdGenerator};
use tenantry_sync::objects::Crc64;

use super::files::{self, Kind};
use super::names::Names;

/// What is left of a write that broke off is removed when it is as old as this.
const LEFTOVER: TimeDelta = TimeDelta::hours(24);

/// Writers of different keys rarely meet in one of so many locks.
const LOCKS: u64 = 64;

/// Says what is in the folder.
const LAYOUT: &str = "layout";
const EXACT: &str = "tenantry-objects 1 exact\n";
const FOLDED: &str = "tenantry-objects 1 folded\n";

/// A folder can't be used as an object store.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It is not there, or not to be written to.
    #[error("can't use the folder {}", path.display())]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It was written by another version of this store, or under a file system that tells other names apart.
    #[error("the folder {} is laid out in a way that can't be used here", path.display())]
    Layout {
        /// The folder.
        path: PathBuf,
    },
}

pub(super) struct Root {
    pub names: Names,
    /// The objects, as they are.
    pub objects: OwnedFd,
    /// What is known of each of them, under the same names.
    pub records: OwnedFd,
    /// A folder for each open upload.
    pub uploads: OwnedFd,
    /// What is being written.
    temporary: OwnedFd,
    locks: OwnedFd,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn IdGenerator>,
}

impl Root {
    pub fn open(path: &Path, clock: Arc<dyn Clock>, ids: Arc<dyn IdGenerator>) -> Result<Self, FolderError> {
        let unusable = |source| FolderError::Unusable { path: path.to_owned(), source };
        let mut root = Self::make(path, clock, ids).map_err(unusable)?;
        let folder = open_root(path).map_err(unusable)?;
        let names = root.choose_names(&folder).map_err(unusable)?;
        root.names = names.ok_or_else(|| FolderError::Layout { path: path.to_owned() })?;
        root.sweep().map_err(unusable)?;
        Ok(root)
    }

    fn make(path: &Path, clock: Arc<dyn Clock>, ids: Arc<dyn IdGenerator>) -> io::Result<Self> {
        let root = open_root(path)?;
        let root = Self {
            names: Names::Exact,
            objects: files::make_folder(&root, "objects")?,
            records: files::make_folder(&root, "records")?,
            uploads: files::make_folder(&root, "uploads")?,
            temporary: files::make_folder(&root, "temporary")?,
            locks: files::make_folder(&root, "locks")?,
            clock,
            ids,
        };
        // A file system without locks is found out here rather than by two writers.
        root.hold("")?;
        Ok(root)
    }

    /// Those the folder was laid out with; `None` if that was otherwise than this file system needs.
    fn choose_names(&self, root: &OwnedFd) -> io::Result<Option<Names>> {
        let needed = if self.folds_names()? { FOLDED } else { EXACT };
        let mut layout = files::read_text(root, LAYOUT)?;
        if layout.is_none() {
            self.write_text((root.as_fd(), LAYOUT), needed, Flush::Yes)?;
            layout = files::read_text(root, LAYOUT)?;
        }
        Ok(match layout.as_deref() {
            Some(FOLDED) => Some(Names::Folded),
            Some(EXACT) if needed == EXACT => Some(Names::Exact),
            _ => None,
        })
    }

    /// Whether the file system looks past case, or past the ways to compose a letter.
    fn folds_names(&self) -> io::Result<bool> {
        let name = self.new_name();
        let probe = Temporary { root: self, name: format!("{name}-a\u{e9}") };
        files::create(&self.temporary, &probe.name)?;
        Ok(files::exists(&self.temporary, &format!("{name}-A\u{e9}"))?
            || files::exists(&self.temporary, &format!("{name}-ae\u{301}"))?)
    }

    /// Removes what writes have left that broke off long ago.
    fn sweep(&self) -> io::Result<()> {
        for (name, kind) in files::entries(&self.temporary)? {
            if kind == Kind::File
                && let Some(file) = files::open(&self.temporary, &name)?
                && self.is_leftover(&file)?
            {
                files::remove(&self.temporary, &name)?;
            }
        }
        self.sweep_uploads()
    }

    pub fn is_leftover(&self, file: &File) -> io::Result<bool> {
        let changed_at = DateTime::<Utc>::from(file.metadata()?.modified()?);
        Ok(changed_at + LEFTOVER <= self.clock.now())
    }

    pub fn new_name(&self) -> String {
        self.ids.next_id().simple().to_string()
    }

    /// Keeps out everybody else, in this process and others on this machine, who holds the lock of this.
    ///
    /// Whoever holds one takes no other lock.
    pub fn hold(&self, of: &str) -> io::Result<File> {
        let number = Crc64::of(of.as_bytes()).get() % LOCKS;
        let lock = files::open_or_create(&self.locks, &format!("{number:02}"))?;
        lock.lock()?;
        Ok(lock)
    }

    /// A new file with these contents, flushed to the disk or not.
    pub fn write_temporary(&self, contents: &[u8], flush: Flush) -> io::Result<(Temporary<'_>, File)> {
        let temporary = Temporary { root: self, name: self.new_name() };
        let mut file = files::create(&self.temporary, &temporary.name)?;
        file.write_all(contents)?;
        if flush == Flush::Yes {
            file.sync_all()?;
        }
        Ok((temporary, file))
    }

    /// Writes a small file, whole or not at all.
    pub fn write_text(&self, to: (BorrowedFd<'_>, &str), text: &str, flush: Flush) -> io::Result<()> {
        let (temporary, _) = self.write_temporary(text.as_bytes(), flush)?;
        files::replace(temporary.place(), to)?;
        if flush == Flush::Yes { files::sync_folder(to.0) } else { Ok(()) }
    }
}

fn open_root(path: &Path) -> io::Result<OwnedFd> {
    Ok(rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}

/// Whether a file must outlast a loss of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flush {
    Yes,
    No,
}

/// A file that goes with this value, unless it was moved to its place.
pub(super) struct Temporary<'a> {
    root: &'a Root,
    name: String,
}

impl Temporary<'_> {
    pub fn place(&self) -> (BorrowedFd<'_>, &str) {
        (self.root.temporary.as_fd(), &self.name)
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        // What stays is swept one day.
        drop(files::remove(&self.root.temporary, &self.name));
    }
}

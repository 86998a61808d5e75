//! Files and folders below one that is open, name by name: no link and no `..` leads out of it.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// Not to wait for whoever else opens it, should it be a pipe.
const FILE: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

/// Both are for their owner only.
const FOLDER_MODE: Mode = Mode::RWXU;
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// What something that is not there, or is no such thing, is reported as.
fn is_absent(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::NOTDIR | Errno::LOOP)
}

fn optional<T>(outcome: rustix::io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if is_absent(error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn open_folder(base: impl AsFd, name: &str) -> io::Result<Option<OwnedFd>> {
    optional(rustix::fs::openat(base, name, FOLDER, Mode::empty()))
}

/// Opens the folder and makes it first if need be, for good.
pub(super) fn make_folder(base: impl AsFd, name: &str) -> io::Result<OwnedFd> {
    let base = base.as_fd();
    match rustix::fs::openat(base, name, FOLDER, Mode::empty()) {
        Err(Errno::NOENT) => {
            match rustix::fs::mkdirat(base, name, FOLDER_MODE) {
                Ok(()) => rustix::fs::fsync(base)?,
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            Ok(rustix::fs::openat(base, name, FOLDER, Mode::empty())?)
        }
        outcome => Ok(outcome?),
    }
}

/// The innermost of these folders, one in the other.
pub(super) fn descend(base: BorrowedFd<'_>, folders: &[String]) -> io::Result<Option<OwnedFd>> {
    let mut folder = base.try_clone_to_owned()?;
    for name in folders {
        match open_folder(&folder, name)? {
            Some(inner) => folder = inner,
            None => return Ok(None),
        }
    }
    Ok(Some(folder))
}

/// The same, making those that are missing.
pub(super) fn descend_making(base: BorrowedFd<'_>, folders: &[String]) -> io::Result<OwnedFd> {
    folders.iter().try_fold(base.try_clone_to_owned()?, |folder, name| make_folder(&folder, name))
}

/// Removes the innermost of these folders and those around it, as far as they are empty.
pub(super) fn prune(base: BorrowedFd<'_>, folders: &[String]) -> io::Result<()> {
    let mut rest = folders;
    while let Some((name, outer)) = rest.split_last() {
        let Some(folder) = descend(base, outer)? else { return Ok(()) };
        if rustix::fs::unlinkat(&folder, name.as_str(), AtFlags::REMOVEDIR).is_err() {
            return Ok(());
        }
        rest = outer;
    }
    Ok(())
}

/// A regular file, to be read.
pub(super) fn open(folder: impl AsFd, name: &str) -> io::Result<Option<File>> {
    open_as(folder, name, OFlags::RDONLY)
}

/// A regular file, to be read and written.
pub(super) fn open_to_write(folder: impl AsFd, name: &str) -> io::Result<Option<File>> {
    open_as(folder, name, OFlags::RDWR)
}

fn open_as(folder: impl AsFd, name: &str, access: OFlags) -> io::Result<Option<File>> {
    let Some(file) = optional(rustix::fs::openat(folder, name, FILE | access, Mode::empty()))? else { return Ok(None) };
    let file = File::from(file);
    Ok(file.metadata()?.is_file().then_some(file))
}

/// A file that was not there before.
pub(super) fn create(folder: impl AsFd, name: &str) -> io::Result<File> {
    let flags = FILE | OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
    Ok(File::from(rustix::fs::openat(folder, name, flags, FILE_MODE)?))
}

/// A file that may have been there.
pub(super) fn open_or_create(folder: impl AsFd, name: &str) -> io::Result<File> {
    Ok(File::from(rustix::fs::openat(folder, name, FILE | OFlags::RDWR | OFlags::CREATE, FILE_MODE)?))
}

/// The text of a small file; `None` for what is none.
pub(super) fn read_text(folder: impl AsFd, name: &str) -> io::Result<Option<String>> {
    let Some(file) = open(folder, name)? else { return Ok(None) };
    let mut bytes = Vec::with_capacity(256);
    file.take(8 * 1024).read_to_end(&mut bytes)?;
    Ok(String::from_utf8(bytes).ok())
}

/// Whether this name leads to this file still.
pub(super) fn is_still(folder: impl AsFd, name: &str, file: &File) -> io::Result<bool> {
    let (there, metadata) = (optional(rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW))?, file.metadata()?);
    Ok(there.is_some_and(|there| there.st_ino == metadata.ino()))
}

pub(super) fn exists(folder: impl AsFd, name: &str) -> io::Result<bool> {
    Ok(optional(rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW))?.is_some())
}

/// Whether it was there.
pub(super) fn remove(folder: impl AsFd, name: &str) -> io::Result<bool> {
    Ok(optional(rustix::fs::unlinkat(folder, name, AtFlags::empty()))?.is_some())
}

pub(super) fn remove_folder(folder: impl AsFd, name: &str) -> io::Result<()> {
    Ok(rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR)?)
}

/// Moves a file to where there may be one, which it replaces.
pub(super) fn replace(from: (BorrowedFd<'_>, &str), to: (BorrowedFd<'_>, &str)) -> io::Result<()> {
    Ok(rustix::fs::renameat(from.0, from.1, to.0, to.1)?)
}

/// Moves a file to where there is none; [`io::ErrorKind::AlreadyExists`] otherwise.
///
/// Where the file system can't look and move in one step, others of our kind must be kept out by a lock.
pub(super) fn place(from: (BorrowedFd<'_>, &str), to: (BorrowedFd<'_>, &str)) -> io::Result<()> {
    match rustix::fs::renameat_with(from.0, from.1, to.0, to.1, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            if exists(to.0, to.1)? {
                Err(io::ErrorKind::AlreadyExists.into())
            } else {
                replace(from, to)
            }
        }
        outcome => Ok(outcome?),
    }
}

/// Makes sure that the names in a folder stay.
pub(super) fn sync_folder(folder: impl AsFd) -> io::Result<()> {
    Ok(rustix::fs::fsync(folder)?)
}

/// What an entry of a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
}

/// The files and folders in a folder; nothing else, and none whose names are not text.
pub(super) fn entries(folder: impl AsFd) -> io::Result<Vec<(String, Kind)>> {
    let folder = folder.as_fd();
    let mut entries = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().to_str() else { continue };
        if matches!(name, "." | "..") {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => {
                let Some(there) = optional(rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW))? else {
                    continue;
                };
                FileType::from_raw_mode(there.st_mode)
            }
            known => known,
        };
        match kind {
            FileType::RegularFile => entries.push((name.to_owned(), Kind::File)),
            FileType::Directory => entries.push((name.to_owned(), Kind::Folder)),
            _ => {}
        }
    }
    Ok(entries)
}

//! Opening what lies beneath a folder, so that neither `..` nor a link leads out of it, whoever changes what meanwhile.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt as _};
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;

use crate::Symlinks;

/// How a folder is opened that is to be listed.
pub(super) const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// How a file is opened that is to be read: a pipe without a writer must not keep us waiting.
pub(super) const FILE: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// Only to pass through, which needs no right to list the folder.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) const PASSAGE: OFlags = FOLDER.union(OFlags::PATH);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) const PASSAGE: OFlags = FOLDER;

/// The longest path that the system takes, in bytes.
pub(super) const MAX_PATH_BYTES: usize = 4_095;

/// Opens what is at `path`, which must be relative, beneath `root`.
pub(super) fn open(root: &Dir, path: &[u8], flags: OFlags, symlinks: Symlinks) -> rustix::io::Result<OwnedFd> {
    match at_once(root.as_fd(), path, flags, symlinks) {
        // The kernel is too old, or a sandbox forbids the call, or somebody keeps moving folders about.
        Err(Errno::NOSYS | Errno::PERM | Errno::AGAIN) => step_by_step(root, path, flags, symlinks),
        outcome => outcome,
    }
}

/// The kernel itself sees to it that nothing leads out.
#[cfg(target_os = "linux")]
fn at_once(root: BorrowedFd<'_>, path: &[u8], flags: OFlags, symlinks: Symlinks) -> rustix::io::Result<OwnedFd> {
    use rustix::fs::{ResolveFlags, openat2};

    // A move of any folder on the machine can disturb the call; the manual page says to try again.
    const ATTEMPTS: u8 = 4;
    let stay = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let resolve = match symlinks {
        Symlinks::Never => stay | ResolveFlags::NO_SYMLINKS,
        Symlinks::InsideRoot => stay,
    };
    let attempt = || rustix::io::retry_on_intr(|| openat2(root, path, flags, Mode::empty(), resolve));
    (1..ATTEMPTS).map(|_| attempt()).find(|outcome| !matches!(outcome, Err(Errno::AGAIN))).unwrap_or_else(attempt)
}

#[cfg(not(target_os = "linux"))]
fn at_once(_: BorrowedFd<'_>, _: &[u8], _: OFlags, _: Symlinks) -> rustix::io::Result<OwnedFd> {
    Err(Errno::NOSYS)
}

/// The same without the kernel's help.
fn step_by_step(root: &Dir, path: &[u8], flags: OFlags, symlinks: Symlinks) -> rustix::io::Result<OwnedFd> {
    match symlinks {
        Symlinks::Never => without_links(root.as_fd(), path, flags),
        Symlinks::InsideRoot => with_links(root, path, flags).map_err(|error| {
            // What leads outside is refused without a number.
            Errno::from_io_error(&error).unwrap_or(Errno::XDEV)
        }),
    }
}

/// Every segment is opened beneath the one before, and none may be a link.
fn without_links(root: BorrowedFd<'_>, path: &[u8], flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let (folders, last) =
        match path.iter().rposition(|byte| *byte == b'/').and_then(|slash| path.split_at_checked(slash)) {
            Some((folders, [_, last @ ..])) => (folders, last),
            _ => (&[][..], path),
        };
    let step = |from: BorrowedFd<'_>, name: &[u8], flags| match name {
        b".." => Err(Errno::XDEV),
        _ => rustix::io::retry_on_intr(|| openat(from, name, flags | OFlags::NOFOLLOW, Mode::empty())),
    };
    let mut passed: Option<OwnedFd> = None;
    for name in folders.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
        passed = Some(step(passed.as_ref().map_or(root, AsFd::as_fd), name, PASSAGE)?);
    }
    step(passed.as_ref().map_or(root, AsFd::as_fd), last, flags)
}

fn with_links(root: &Dir, path: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
    let path = Path::new(OsStr::from_bytes(path));
    if flags.contains(OFlags::DIRECTORY) {
        let found = root.open_dir(path)?;
        // The handle may be one that can only be passed through.
        return Ok(openat(&found, ".", flags, Mode::empty())?);
    }
    let custom = (flags - OFlags::RDONLY - OFlags::CLOEXEC).bits().try_into().map_err(io::Error::other)?;
    Ok(root.open_with(path, OpenOptions::new().read(true).custom_flags(custom))?.into_std().into())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use cap_std::ambient_authority;
    use rustix::fs::fstat;

    use super::*;

    type Open = fn(&Dir, &[u8], OFlags, Symlinks) -> rustix::io::Result<OwnedFd>;

    /// Old kernels and new ones must agree, so every case is tried both ways.
    const WAYS: [Open; 2] = [open, step_by_step];

    #[test]
    fn old_kernels_and_new_ones_agree() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "s").unwrap();
        let inside = tempfile::tempdir().unwrap();
        let at = |name: &str| inside.path().join(name);
        fs::create_dir_all(at("a/b")).unwrap();
        fs::write(at("a/b/file"), "x").unwrap();
        symlink("b", at("a/link")).unwrap();
        symlink("b/file", at("a/link-to-file")).unwrap();
        symlink(outside.path(), at("away")).unwrap();
        symlink("../..", at("a/up")).unwrap();
        let root = Dir::open_ambient_dir(inside.path(), ambient_authority()).unwrap();
        let file = fs::metadata(at("a/b/file")).unwrap();
        let opens = |open: Open, path: &str, flags, symlinks| open(&root, path.as_bytes(), flags, symlinks);
        for open in WAYS {
            for symlinks in [Symlinks::Never, Symlinks::InsideRoot] {
                let found = opens(open, "a/b/file", FILE, symlinks).unwrap();
                assert_eq!(fstat(&found).unwrap().st_ino, std::os::unix::fs::MetadataExt::ino(&file));
                assert!(opens(open, "a/b", FOLDER, symlinks).is_ok());
                assert!(opens(open, ".", FOLDER, symlinks).is_ok());
                assert_eq!(opens(open, "a/none", FILE, symlinks).unwrap_err(), Errno::NOENT);
                for path in ["away", "a/up", "..", "a/../..", "away/secret", "a/up/x", "/etc"] {
                    assert!(opens(open, path, FOLDER, symlinks).is_err(), "{path}");
                    assert!(opens(open, path, FILE, symlinks).is_err(), "{path}");
                }
            }
            for path in ["a/link/file", "a/link-to-file"] {
                assert!(opens(open, path, FILE, Symlinks::Never).is_err(), "{path}");
                assert!(opens(open, path, FILE, Symlinks::InsideRoot).is_ok(), "{path}");
            }
            let listed = opens(open, "a/link", FOLDER, Symlinks::InsideRoot).unwrap();
            assert_eq!(rustix::fs::Dir::new(listed).unwrap().filter_map(Result::ok).count(), 3);
        }
    }
}

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use rustix::fs::OFlags;
use tenantry_sync::objects::RelativePath;

use crate::identity::FolderId;
use crate::{OpenError, SourceFile, beneath};

/// What is done about symbolic links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Symlinks {
    /// None is followed, wherever it leads.
    #[default]
    Never,
    /// A link is followed as long as it leads nowhere outside the folder.
    InsideRoot,
}

/// A folder that was opened, and from which nothing outside it can be reached.
#[derive(Debug)]
pub struct SourceFolder {
    pub(super) dir: Dir,
    id: FolderId,
    pub(super) forbidden: Vec<FolderId>,
}

/// What the system shows of itself: nothing in there is anybody's file.
pub(super) const SYSTEM: [&str; 3] = ["/proc", "/sys", "/dev"];

impl SourceFolder {
    /// Opens a folder of somebody who may read it anyway, such as whoever runs this process. Only what the system shows
    /// of itself is never entered. On a server, [`Roots`](crate::Roots) open folders.
    pub fn at(path: &Path) -> io::Result<Self> {
        let open = |path: &Path| Dir::open_ambient_dir(path, ambient_authority());
        let system = SYSTEM.into_iter().filter_map(|path| open(Path::new(path)).ok());
        let forbidden = system.map(FolderId::of).collect::<io::Result<_>>()?;
        Self::new(open(path)?.into_std_file().into(), forbidden)
    }

    /// `forbidden` are folders that are never entered, however one gets there.
    pub(super) fn new(dir: OwnedFd, forbidden: Vec<FolderId>) -> io::Result<Self> {
        let id = FolderId::of(&dir)?;
        Ok(Self { dir: Dir::from_std_file(dir.into()), id, forbidden })
    }

    /// The device that the folder is on. Another one, or another inode, means that the folder was replaced, or that
    /// its disk is no longer mounted.
    #[must_use]
    pub fn root_dev(&self) -> u64 {
        self.id.device
    }

    /// The inode of the folder.
    #[must_use]
    pub fn root_ino(&self) -> u64 {
        self.id.inode
    }

    /// Opens a file to read it; `symlinks` as it was scanned with.
    pub fn open(&self, path: &RelativePath, symlinks: Symlinks) -> Result<SourceFile, OpenError> {
        let flags = match symlinks {
            Symlinks::Never => beneath::FILE | OFlags::NOFOLLOW,
            Symlinks::InsideRoot => beneath::FILE,
        };
        SourceFile::new(beneath::open(&self.dir, path.as_bytes(), flags, symlinks)?)
    }
}

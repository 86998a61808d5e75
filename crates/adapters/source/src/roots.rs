use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use rustix::fs::{Mode, openat};
use tenantry_kernel::OrganizationId;

use crate::folder::SYSTEM;
use crate::identity::FolderId;
use crate::{SourceFolder, Symlinks, beneath, sensitive};

/// What stands for the identifier of the organisation in the path of a root.
const PLACEHOLDER: &str = "{organization_id}";

/// A folder whose contents may be read, as the operator names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedRoot {
    /// Absolute. Where it holds `{organization_id}`, every organisation has its own.
    pub path: String,
    /// Who may read it.
    pub scope: RootScope,
}

/// Whose folder it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootScope {
    /// Every organisation's.
    All,
    /// That of these organisations.
    Only(Vec<OrganizationId>),
}

/// The folders that organisations may read from on this machine. With none, none may be read.
#[derive(Debug)]
pub struct Roots {
    allowed: Vec<AllowedRoot>,
    forbidden: Vec<PathBuf>,
}

/// A root can't be one. The message fits after the name of a setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("holds {path:?}, which is no absolute path without `..`")]
pub struct RootError {
    /// As the operator wrote it.
    pub path: String,
}

/// The folder may not be read, or there is none: which of the two is nobody's business. The message fits after the
/// name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no folder that this organisation may read")]
pub struct NotAllowed;

impl Roots {
    /// Allows to read `allowed`; but never `forbidden`, where the server keeps its own data, nor what holds it.
    ///
    /// # Errors
    /// [`RootError`] for the first root that is no absolute path.
    pub fn new(allowed: Vec<AllowedRoot>, forbidden: Vec<PathBuf>) -> Result<Self, RootError> {
        match allowed.iter().find(|root| plain(&root.path).is_none()) {
            Some(root) => Err(RootError { path: root.path.clone() }),
            None => Ok(Self { allowed, forbidden }),
        }
    }

    /// Opens a folder that the organisation may read.
    pub fn open(&self, organization: OrganizationId, local_directory: &str) -> Result<SourceFolder, NotAllowed> {
        let forbidden = Forbidden::look_up(&self.forbidden);
        let directory = plain(local_directory).ok_or(NotAllowed)?;
        let forbidden = forbidden.or(Err(NotAllowed))?;
        let mut found = None;
        for root in self.roots_of(organization) {
            found = found.or_else(|| open_below(Path::new(&root), directory, &forbidden));
        }
        found.ok_or(NotAllowed)
    }

    /// Whether [`Roots::open`] would open the folder now.
    pub fn check(&self, organization: OrganizationId, local_directory: &str) -> Result<(), NotAllowed> {
        self.open(organization, local_directory).map(drop)
    }

    fn roots_of(&self, organization: OrganizationId) -> impl Iterator<Item = String> {
        let of_organization = move |root: &&AllowedRoot| match &root.scope {
            RootScope::All => true,
            RootScope::Only(organizations) => organizations.contains(&organization),
        };
        let path = move |root: &AllowedRoot| root.path.replace(PLACEHOLDER, &organization.to_string());
        self.allowed.iter().filter(of_organization).map(path)
    }
}

/// An absolute path that does not go up again.
fn plain(path: &str) -> Option<&Path> {
    let fits = path.len() <= beneath::MAX_PATH_BYTES && !path.contains('\0');
    let path = Path::new(path);
    let goes_up = path.components().any(|component| component == Component::ParentDir);
    (fits && path.is_absolute() && !goes_up).then_some(path)
}

/// Opens `directory` beneath `root`, whose own links are the operator's and followed. Beneath it links may lead about,
/// but not out, and what counts is where they lead: the way there is worked out first, and then gone without links, so
/// that it is the way that was judged.
fn open_below(root: &Path, directory: &Path, forbidden: &Forbidden) -> Option<SourceFolder> {
    let resolved = fs::canonicalize(root).ok()?;
    let rest = directory.strip_prefix(root).or_else(|_| directory.strip_prefix(&resolved)).ok()?;
    if [directory, &resolved].iter().any(|path| sensitive::leads_through_folder(path.as_os_str().as_bytes())) {
        return None;
    }
    let top = Dir::open_ambient_dir(&resolved, ambient_authority()).ok()?;
    let way = match rest.as_os_str().as_bytes() {
        b"" => PathBuf::from("."),
        _ => top.canonicalize(rest).ok()?,
    };
    let way = way.as_os_str().as_bytes();
    if sensitive::leads_through_folder(way) {
        return None;
    }
    let found = beneath::open(&top, way, beneath::FOLDER, Symlinks::Never).ok()?;
    let is_free = forbidden.allows(&found).ok()?;
    is_free.then(|| SourceFolder::new(found, forbidden.ids.clone()).ok()).flatten()
}

/// Folders that must not be read, as they are now. They are told by what they are and not by their paths, so that no
/// mount and no link makes another folder of them.
struct Forbidden {
    ids: Vec<FolderId>,
    /// What lies above them.
    above: Vec<FolderId>,
}

impl Forbidden {
    fn look_up(paths: &[PathBuf]) -> io::Result<Self> {
        let mut forbidden = Self { ids: Vec::new(), above: Vec::new() };
        for path in paths.iter().map(PathBuf::as_path).chain(SYSTEM.map(Path::new)) {
            forbidden.add(&std::path::absolute(path)?)?;
        }
        Ok(forbidden)
    }

    /// Of a folder that is yet to be made, what is to hold it is forbidden already.
    fn add(&mut self, path: &Path) -> io::Result<()> {
        for (steps, place) in path.ancestors().enumerate() {
            match Dir::open_ambient_dir(place, ambient_authority()) {
                Ok(found) => {
                    let lineage = lineage(&found)?;
                    self.ids.extend(lineage.first().filter(|_| steps == 0));
                    self.above.extend(lineage.iter().skip(usize::from(steps == 0)));
                    return Ok(());
                }
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether a folder is none of these, lies in none, and holds none.
    fn allows(&self, folder: impl AsFd) -> io::Result<bool> {
        let lineage = lineage(folder)?;
        let holds_one = lineage.first().is_none_or(|id| self.above.contains(id));
        Ok(!holds_one && !lineage.iter().any(|id| self.ids.contains(id)))
    }
}

/// A folder and all that lie above it, the topmost last.
fn lineage(folder: impl AsFd) -> io::Result<Vec<FolderId>> {
    let top = FolderId::of(Dir::open_ambient_dir("/", ambient_authority())?)?;
    let mut lineage = vec![FolderId::of(&folder)?];
    let mut here: Option<OwnedFd> = None;
    while lineage.last() != Some(&top) {
        if lineage.len() > beneath::MAX_PATH_BYTES {
            return Err(io::Error::other("a folder lies too deep"));
        }
        let above = openat(here.as_ref().map_or(folder.as_fd(), AsFd::as_fd), "..", beneath::PASSAGE, Mode::empty())?;
        lineage.push(FolderId::of(&above)?);
        here = Some(above);
    }
    Ok(lineage)
}

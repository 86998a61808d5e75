use std::ffi::OsStr;
use std::io;
use std::mem;
use std::ops::ControlFlow;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{AtFlags, Dir, DirEntry, FileType, statat};
use rustix::io::Errno;
use tenantry_sync::objects::RelativePath;

use super::filter::{Choice, Included, choose};
use super::queue::{Queue, Work};
use super::{ScanEvent, ScanOptions, ScanReport, ScanSink, ScannedFile, SkipReason, SkippedEntry};
use crate::clashes::Names;
use crate::identity::FolderId;
use crate::{SourceFolder, Symlinks, beneath, identity, sensitive};
use tenantry_sync::FileIdentity;

/// The most events that the sink is given at once.
const BATCH: usize = 1_000;

/// How many folders are noted from one before they are gone into and it is put aside.
const FOLDERS_AT_ONCE: usize = 256;

/// The most links to folders that lie on one path. Links that cross one another make a path for every order in which
/// they can be followed, so that their number has to be kept low.
const MAX_LINKS: u8 = 2;

/// A scan under way.
pub(super) struct Scan<'a> {
    folder: &'a SourceFolder,
    options: &'a ScanOptions,
    sink: &'a ScanSink<'a>,
    pub queue: Queue<NewFolder, OpenFolder>,
    /// Why the topmost folder could not be listed to its end.
    failure: Mutex<Option<io::Error>>,
}

/// A folder that is yet to be opened.
pub(super) struct NewFolder {
    path: Box<[u8]>,
    above: Arc<Place>,
    included: Included,
    links: u8,
}

/// A folder that is being listed.
pub(super) struct OpenFolder {
    entries: Dir,
    path: Box<[u8]>,
    place: Arc<Place>,
    included: Included,
    links: u8,
    names: Names,
}

/// A folder and those that it lies in.
struct Place {
    id: FolderId,
    above: Option<Arc<Place>>,
}

impl Place {
    fn lies_in(&self, id: FolderId) -> bool {
        let mut place = Some(self);
        while let Some(here) = place {
            if here.id == id {
                return true;
            }
            place = here.above.as_deref();
        }
        false
    }
}

impl<'a> Scan<'a> {
    pub fn begin(folder: &'a SourceFolder, options: &'a ScanOptions, sink: &'a ScanSink<'a>) -> io::Result<Self> {
        let top = beneath::open(&folder.dir, b".", beneath::FOLDER, Symlinks::Never)?;
        let top = OpenFolder {
            place: Arc::new(Place { id: FolderId::of(&top)?, above: None }),
            entries: Dir::new(top)?,
            path: Box::default(),
            included: Included::at_first(options),
            links: 0,
            names: Names::default(),
        };
        Ok(Self { folder, options, sink, queue: Queue::new(top), failure: Mutex::default() })
    }

    pub fn into_failure(self) -> Option<io::Error> {
        self.failure.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the threads of a scan.
pub(super) struct Worker<'a> {
    scan: &'a Scan<'a>,
    batch: Vec<ScanEvent>,
    /// Folders that were found and not yet handed on.
    found: Vec<NewFolder>,
    report: ScanReport,
}

impl<'a> Worker<'a> {
    pub fn run(scan: &'a Scan<'a>) -> ScanReport {
        let mut worker = Self { scan, batch: Vec::new(), found: Vec::new(), report: ScanReport::default() };
        while let Some((work, _busy)) = scan.queue.take() {
            match work {
                Work::New(folder) => worker.enter(folder),
                Work::Aside(folder) => worker.list(folder),
            }
        }
        worker.hand_over();
        worker.report
    }

    fn enter(&mut self, new: NewFolder) {
        let symlinks = self.scan.options.follow_symlinks;
        let opened = beneath::open(&self.scan.folder.dir, &new.path, beneath::FOLDER, symlinks);
        match opened.map_err(io::Error::from).and_then(|folder| Ok((FolderId::of(&folder)?, folder))) {
            Ok((id, _)) if new.above.lies_in(id) => self.skip(&new.path, SkipReason::Loop),
            Ok((id, _)) if self.scan.folder.forbidden.contains(&id) => self.skip(&new.path, SkipReason::Forbidden),
            Ok((id, folder)) => self.begin(new, id, folder),
            Err(error) => self.fail(&new.path, &error),
        }
    }

    fn begin(&mut self, new: NewFolder, id: FolderId, folder: OwnedFd) {
        let NewFolder { path, above, included, links } = new;
        match Dir::new(folder) {
            Ok(entries) => {
                let place = Arc::new(Place { id, above: Some(above) });
                self.list(OpenFolder { entries, path, place, included, links, names: Names::default() });
            }
            Err(error) => self.fail(&path, &error.into()),
        }
    }

    fn list(&mut self, mut folder: OpenFolder) {
        while let Some(entry) = folder.entries.read() {
            if self.scan.queue.is_stopped() {
                return;
            }
            match entry {
                Ok(entry) => self.visit(&mut folder, &entry),
                Err(error) => {
                    self.fail(&folder.path, &error.into());
                    break;
                }
            }
            if self.found.len() >= FOLDERS_AT_ONCE {
                match self.scan.queue.put_aside(folder, &mut self.found) {
                    Some(given_back) => folder = given_back,
                    None => return,
                }
            }
        }
        self.report.folders += 1;
        self.tell_clashes(folder);
        self.scan.queue.push(&mut self.found);
    }

    fn visit(&mut self, folder: &mut OpenFolder, entry: &DirEntry) {
        let name = entry.file_name().to_bytes();
        if matches!(name, b"." | b"..") {
            return;
        }
        let path = below(&folder.path, name);
        let kind = match kind(folder, entry) {
            Ok(kind) => kind,
            Err(error) => return self.fail(&path, &error.into()),
        };
        let is_folder = kind == FileType::Directory;
        match choose(self.scan.options, folder.included, &path, name, is_folder) {
            Choice::Exclude => self.report.excluded += 1,
            _ if path.len() > beneath::MAX_PATH_BYTES => self.skip(&path, SkipReason::NameTooLong),
            Choice::Sensitive => self.skip(&path, SkipReason::Sensitive),
            Choice::Take(included) => match kind {
                FileType::RegularFile => self.take_file(folder, entry, path),
                FileType::Directory => self.note_folder(folder, name, path, included, folder.links),
                FileType::Symlink => self.take_link(folder, name, path, included),
                _ => self.skip(&path, SkipReason::Special),
            },
        }
    }

    fn take_file(&mut self, folder: &mut OpenFolder, entry: &DirEntry, path: Vec<u8>) {
        let name = entry.file_name();
        let stat = folder.entries.fd().and_then(|fd| statat(fd, name, AtFlags::SYMLINK_NOFOLLOW));
        match stat {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode).is_file() => {
                folder.names.add(name.to_bytes());
                self.tell_file(path, identity::of_stat(&stat));
            }
            // It was replaced since the folder was read.
            Ok(_) => self.report.vanished += 1,
            Err(error) => self.fail(&path, &error.into()),
        }
    }

    fn note_folder(&mut self, above: &mut OpenFolder, name: &[u8], path: Vec<u8>, included: Included, links: u8) {
        above.names.add(name);
        self.found.push(NewFolder { path: path.into(), above: Arc::clone(&above.place), included, links });
    }

    fn take_link(&mut self, folder: &mut OpenFolder, name: &[u8], path: Vec<u8>, included: Included) {
        let options = self.scan.options;
        if options.follow_symlinks == Symlinks::Never {
            return self.skip(&path, SkipReason::Symlink);
        }
        let root = &self.scan.folder.dir;
        let link = Path::new(OsStr::from_bytes(&path));
        let (Ok(target), Ok(metadata)) = (root.canonicalize(link), root.metadata(link)) else {
            return self.skip(&path, SkipReason::Symlink);
        };
        let target = target.as_os_str().as_bytes();
        let target_name = target.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let is_folder = metadata.is_dir();
        // What a link is called must not hide what it leads to.
        let keeps_secrets = sensitive::leads_through_folder(target) || sensitive::is_file(target_name);
        if keeps_secrets && options.sensitive == super::SensitiveFiles::Skip {
            self.skip(&path, SkipReason::Sensitive);
        } else if is_folder && folder.links >= MAX_LINKS {
            self.skip(&path, SkipReason::Loop);
        } else if is_folder {
            self.take_linked_folder(folder, name, path, included);
        } else if metadata.is_file() {
            folder.names.add(name);
            self.tell_file(path, identity::of_metadata(&metadata));
        } else {
            self.skip(&path, SkipReason::Special);
        }
    }

    /// Patterns that are for folders have had no word on the link before.
    fn take_linked_folder(&mut self, folder: &mut OpenFolder, name: &[u8], path: Vec<u8>, included: Included) {
        match choose(self.scan.options, included, &path, name, true) {
            Choice::Exclude => self.report.excluded += 1,
            Choice::Sensitive => self.skip(&path, SkipReason::Sensitive),
            Choice::Take(included) => self.note_folder(folder, name, path, included, folder.links + 1),
        }
    }

    /// Reads the folder again for the names that seemed to clash.
    fn tell_clashes(&mut self, mut folder: OpenFolder) {
        self.report.not_compared += u64::from(folder.names.is_full());
        let mut repeated = folder.names.repeated();
        if repeated.is_empty() {
            return;
        }
        folder.entries.rewind();
        while let Some(Ok(entry)) = folder.entries.read() {
            let name = entry.file_name().to_bytes();
            if repeated.holds(name) && self.takes(&folder, &entry) {
                repeated.add(name);
            }
        }
        for (name, other, kind) in repeated.clashes() {
            let [path, other] = [name, other].map(|name| RelativePath::from_stored(below(&folder.path, &name)));
            self.report.clashes += 1;
            self.tell(ScanEvent::Clash { path, other, kind });
        }
    }

    fn takes(&self, folder: &OpenFolder, entry: &DirEntry) -> bool {
        let name = entry.file_name().to_bytes();
        let Ok(kind @ (FileType::RegularFile | FileType::Directory | FileType::Symlink)) = kind(folder, entry) else {
            return false;
        };
        let options = self.scan.options;
        let is_followed = kind != FileType::Symlink || options.follow_symlinks != Symlinks::Never;
        let choice = choose(options, folder.included, &below(&folder.path, name), name, kind == FileType::Directory);
        is_followed && matches!(choice, Choice::Take(_))
    }

    fn fail(&mut self, path: &[u8], error: &io::Error) {
        match Errno::from_io_error(error) {
            _ if path.is_empty() => {
                let failure = io::Error::new(error.kind(), error.to_string());
                *self.scan.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
            }
            Some(Errno::NOENT | Errno::NOTDIR) => self.report.vanished += 1,
            // A link has taken its place.
            Some(Errno::LOOP | Errno::XDEV) => self.skip(path, SkipReason::Symlink),
            Some(Errno::NAMETOOLONG) => self.skip(path, SkipReason::NameTooLong),
            _ => self.skip(path, SkipReason::Unreadable(error.kind())),
        }
    }

    fn skip(&mut self, path: &[u8], reason: SkipReason) {
        self.report.skipped += 1;
        self.tell(ScanEvent::Skipped(SkippedEntry { path: RelativePath::from_stored(path.to_vec()), reason }));
    }

    fn tell_file(&mut self, path: Vec<u8>, identity: FileIdentity) {
        self.report.files += 1;
        self.report.bytes = self.report.bytes.saturating_add(identity.size);
        self.tell(ScanEvent::File(ScannedFile { path: RelativePath::from_stored(path), identity }));
    }

    fn tell(&mut self, event: ScanEvent) {
        if self.batch.capacity() == 0 {
            self.batch.reserve_exact(BATCH);
        }
        self.batch.push(event);
        if self.batch.len() >= BATCH {
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        let is_stopped = self.scan.queue.is_stopped();
        if self.batch.is_empty() || is_stopped {
            return;
        }
        if let ControlFlow::Break(()) = (self.scan.sink)(mem::take(&mut self.batch)) {
            self.scan.queue.stop();
        }
    }
}

/// What it is, which most file systems tell along with the name.
fn kind(folder: &OpenFolder, entry: &DirEntry) -> rustix::io::Result<FileType> {
    match entry.file_type() {
        FileType::Unknown => {
            let stat = statat(folder.entries.fd()?, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)?;
            Ok(FileType::from_raw_mode(stat.st_mode))
        }
        known => Ok(known),
    }
}

fn below(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let slash = usize::from(!folder.is_empty());
    let mut path = Vec::with_capacity(folder.len() + slash + name.len());
    path.extend_from_slice(folder);
    path.extend(b"/".iter().take(slash));
    path.extend_from_slice(name);
    path
}

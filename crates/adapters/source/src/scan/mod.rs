mod filter;
mod queue;
mod worker;

use std::io;
use std::num::NonZero;
use std::ops::{AddAssign, ControlFlow};
use std::thread;

use tenantry_sync::objects::RelativePath;
use tenantry_sync::{FileIdentity, WarningKind};

use crate::{ClashKind, Globs, SourceFolder, Symlinks};
use worker::{Scan, Worker};

/// How a folder is scanned.
#[derive(Debug, Clone)]
pub struct ScanOptions {
    /// How many threads walk through it.
    pub threads: NonZero<usize>,
    /// What is taken: a file that a pattern matches, and all in a folder that one matches. Without patterns, all.
    pub include: Globs,
    /// What is left out, whatever `include` says. A folder that is left out is not entered.
    pub exclude: Globs,
    /// What is done about links.
    pub follow_symlinks: Symlinks,
    /// What is done about files that keep secrets.
    pub sensitive: SensitiveFiles,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self {
            threads: NonZero::<usize>::MIN,
            include: Globs::default(),
            exclude: Globs::default(),
            follow_symlinks: Symlinks::default(),
            sensitive: SensitiveFiles::default(),
        }
    }
}

impl ScanOptions {
    /// Whether a scan would take a file of this path, if it were there.
    #[must_use]
    pub fn takes(&self, path: &RelativePath) -> bool {
        filter::takes(self, path.as_bytes())
    }
}

/// What is done about files whose names tell that they keep secrets, and folders of such files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SensitiveFiles {
    /// They are skipped, which is told.
    #[default]
    Skip,
    /// They are files like others.
    Take,
}

/// What a scan finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScanEvent {
    /// A file to take.
    File(ScannedFile),
    /// Something that was asked for and is not taken.
    Skipped(SkippedEntry),
    /// A file or folder whose name other systems take for that of another beside it. Both are taken.
    Clash {
        /// The one.
        path: RelativePath,
        /// The other.
        other: RelativePath,
        /// In what they do not differ.
        kind: ClashKind,
    },
}

/// A regular file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScannedFile {
    /// Where it is.
    pub path: RelativePath,
    /// Which file it is, and in which state.
    pub identity: FileIdentity,
}

/// A file or folder that is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedEntry {
    /// Where it is.
    pub path: RelativePath,
    /// Why it is not taken.
    pub reason: SkipReason,
}

/// Why something is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SkipReason {
    /// It is a link, and links are not followed, or this one leads nowhere or outside.
    Symlink,
    /// It is a pipe, a socket or a device.
    Special,
    /// The system refuses it, or the device fails.
    Unreadable(io::ErrorKind),
    /// It is a folder that it lies in itself, or is reached through too many links.
    Loop,
    /// Its name tells that it keeps secrets.
    Sensitive,
    /// It is a folder that must never be read, such as one of the server's own, and came here by a mount.
    Forbidden,
    /// Its path is longer than the system takes.
    NameTooLong,
}

impl From<SkipReason> for WarningKind {
    fn from(reason: SkipReason) -> Self {
        match reason {
            SkipReason::Symlink => Self::Symlink,
            SkipReason::Special => Self::SpecialFile,
            SkipReason::Loop => Self::Loop,
            SkipReason::Sensitive | SkipReason::Forbidden => Self::Sensitive,
            SkipReason::NameTooLong => Self::KeyTooLong,
            SkipReason::Unreadable(_) => Self::Unreadable,
        }
    }
}

impl From<ClashKind> for WarningKind {
    fn from(kind: ClashKind) -> Self {
        match kind {
            ClashKind::Case => Self::CaseClash,
            ClashKind::Normalization => Self::NormalizationClash,
        }
    }
}

/// How much a scan found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScanReport {
    /// Files to take.
    pub files: u64,
    /// Their sizes together.
    pub bytes: u64,
    /// Folders that were entered, the topmost among them.
    pub folders: u64,
    /// Files and folders that patterns leave out.
    pub excluded: u64,
    /// Those that were told as skipped.
    pub skipped: u64,
    /// Those that were gone before they could be looked at.
    pub vanished: u64,
    /// Clashes that were told.
    pub clashes: u64,
    /// Folders of so many names that not all were compared with one another.
    pub not_compared: u64,
    /// Whether the sink broke the scan off.
    pub is_stopped: bool,
}

impl AddAssign for ScanReport {
    fn add_assign(&mut self, other: Self) {
        self.files += other.files;
        self.bytes += other.bytes;
        self.folders += other.folders;
        self.excluded += other.excluded;
        self.skipped += other.skipped;
        self.vanished += other.vanished;
        self.clashes += other.clashes;
        self.not_compared += other.not_compared;
        self.is_stopped |= other.is_stopped;
    }
}

/// Takes what a scan finds, at most 1,000 a call, from all of its threads at once; breaks it off if it wishes.
pub type ScanSink<'a> = dyn Fn(Vec<ScanEvent>) -> ControlFlow<()> + Sync + 'a;

impl SourceFolder {
    /// Finds what is in the folder, in no order. However much there is, little of it is held in memory.
    ///
    /// # Errors
    /// The folder itself can't be listed. Whatever else goes wrong is told to the sink.
    pub fn scan(&self, options: &ScanOptions, sink: &ScanSink<'_>) -> io::Result<ScanReport> {
        let scan = Scan::begin(self, options, sink)?;
        let mut report = thread::scope(|scope| {
            let another = |_| thread::Builder::new().name("scan".to_owned()).spawn_scoped(scope, || Worker::run(&scan));
            // A thread that the system does not give is done without.
            let others: Vec<_> = (1..options.threads.get()).map_while(|number| another(number).ok()).collect();
            let mut report = Worker::run(&scan);
            for other in others {
                report += other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            }
            report
        });
        report.is_stopped = scan.queue.is_stopped();
        scan.into_failure().map_or(Ok(report), Err)
    }
}

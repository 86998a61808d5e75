//! Looks through the folder first, so that the totals are true before anything is uploaded.

use std::num::NonZero;
use std::ops::ControlFlow;
use std::sync::Arc;

use tenantry_kernel::IdGenerator;
use tenantry_source::{Globs, ScanEvent, ScanOptions, ScannedFile, SkippedEntry, SourceFolder};
use tenantry_sync::objects::{ObjectKey, RelativePath};
use tenantry_sync::{
    CompareBy, FileRecordId, PlannedFile, Progress, Run, RunMode, Scanned, SyncSession, Warning, WarningKind,
};
use tokio::sync::mpsc;

use super::feed::halted;
use super::foresight;
use super::halt::Halt;
use super::journal::{Entry, Journal};
use super::known::{Detail, KnownObjects};

/// Batches of the scan that wait to be compared.
const BATCHES_AHEAD: usize = 8;

/// Files that are written down at once.
const PLANNED_AT_ONCE: usize = 500;

/// How a session's folder is looked through.
pub(super) fn scan_options(session: &SyncSession) -> Result<ScanOptions, Halt> {
    let globs = |name: &str, patterns: &tenantry_sync::Patterns| {
        Globs::parse(patterns.as_slice()).map_err(|error| Halt::Failed(format!("{name} {error}")))
    };
    let threads =
        if session.use_find { std::thread::available_parallelism().map_or(1, NonZero::get).min(4) } else { 1 };
    Ok(ScanOptions {
        threads: NonZero::new(threads).unwrap_or(NonZero::<usize>::MIN),
        include: globs("include", &session.include)?,
        exclude: globs("exclude", &session.exclude)?,
        ..ScanOptions::default()
    })
}

/// What a scan came to.
pub(super) struct Found {
    pub known: KnownObjects,
    pub progress: Progress,
    /// Whether some of the folder could not be read, so that files may be there which were not seen.
    pub is_partial: bool,
}

/// What the folder is looked through for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To write down what is to be uploaded.
    Plan,
    /// To see what is there, and no more.
    Look,
}

/// Looks through the folder and compares it with what is known.
pub(super) async fn scan(
    journal: &Journal,
    folder: Arc<SourceFolder>,
    session: &SyncSession,
    ids: &dyn IdGenerator,
    purpose: Purpose,
) -> Result<Found, Halt> {
    let options = scan_options(session)?;
    let foresees = journal.run.mode == RunMode::DryRun && session.compare_by == CompareBy::Checksum;
    let detail = if foresees { Detail::Checksums } else { Detail::Usual };
    let known = KnownObjects::load(journal, detail).await?;
    let (sender, mut batches) = mpsc::channel::<Vec<ScanEvent>>(BATCHES_AHEAD);
    let walked = Arc::clone(&folder);
    let walk = tokio::task::spawn_blocking(move || {
        walked.scan(&options, &|batch| match sender.blocking_send(batch) {
            Ok(()) => ControlFlow::Continue(()),
            // Nobody listens any more: the run has been halted.
            Err(_) => ControlFlow::Break(()),
        })
    });
    let mut planner = Planner::new(journal, folder, session, ids, known, purpose);
    let mut signal = journal.signal.clone();
    loop {
        // A file system that hangs holds its own thread, and not the run.
        let batch = tokio::select! {
            batch = batches.recv() => batch,
            halt = halted(&mut signal) => return Err(halt),
        };
        let Some(batch) = batch else { break };
        planner.take(batch).await?;
    }
    planner.flush().await?;
    match walk.await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => return Err(Halt::Failed(format!("the folder can't be read: {}", error.kind()))),
        Err(error) => return Err(Halt::Failed(format!("a worker failed: {error}"))),
    }
    if purpose == Purpose::Plan {
        journal.write(Entry::Scanned(&planner.scanned)).await?;
    }
    Ok(Found { known: planner.known, progress: planner.scanned.progress, is_partial: planner.is_partial })
}

struct Planner<'a> {
    journal: &'a Journal,
    folder: Arc<SourceFolder>,
    session: &'a SyncSession,
    ids: &'a dyn IdGenerator,
    known: KnownObjects,
    purpose: Purpose,
    planned: Vec<PlannedFile>,
    scanned: Scanned,
    is_partial: bool,
}

impl<'a> Planner<'a> {
    fn new(
        journal: &'a Journal,
        folder: Arc<SourceFolder>,
        session: &'a SyncSession,
        ids: &'a dyn IdGenerator,
        known: KnownObjects,
        purpose: Purpose,
    ) -> Self {
        Self {
            journal,
            folder,
            session,
            ids,
            known,
            purpose,
            planned: Vec::new(),
            scanned: Scanned::default(),
            is_partial: false,
        }
    }

    async fn take(&mut self, batch: Vec<ScanEvent>) -> Result<(), Halt> {
        for event in batch {
            match event {
                ScanEvent::File(file) => self.file(file).await?,
                ScanEvent::Skipped(entry) => self.skipped(&entry),
                ScanEvent::Clash { path, kind, .. } => self.warn(kind.into(), &path),
            }
        }
        if self.planned.len() >= PLANNED_AT_ONCE { self.flush().await } else { Ok(()) }
    }

    async fn file(&mut self, file: ScannedFile) -> Result<(), Halt> {
        let progress = &mut self.scanned.progress;
        progress.total_files += 1;
        let key = match ObjectKey::below(&self.journal.run.destination.prefix, &file.path) {
            Ok(key) => key,
            Err(error) => {
                progress.files_failed += 1;
                tracing::debug!(path = %file.path, %error, "a file has no key");
                self.warn(WarningKind::KeyTooLong, &file.path);
                return Ok(());
            }
        };
        let identity = file.identity;
        // Seen either way, so that it is not taken for one that is gone.
        let is_unchanged = self.known.see(&key, identity.size, identity.mtime_ns);
        let progress = &mut self.scanned.progress;
        if is_unchanged && self.session.compare_by == CompareBy::SizeAndTime {
            progress.files_skipped += 1;
            return Ok(());
        }
        if let Some(known) = self.known.checksum(&key, identity.size) {
            let found = foresight::checksum(&self.folder, &file.path, &self.journal.signal).await?;
            let progress = &mut self.scanned.progress;
            match found {
                Some(found) if found == known => {
                    progress.files_skipped += 1;
                    return Ok(());
                }
                Some(_) => {}
                None => {
                    progress.files_failed += 1;
                    self.warn(WarningKind::Unreadable, &file.path);
                    return Ok(());
                }
            }
        }
        let progress = &mut self.scanned.progress;
        progress.total_bytes += identity.size;
        if str::from_utf8(file.path.as_bytes()).is_err() {
            self.warn(WarningKind::NotUtf8, &file.path);
        }
        if self.purpose == Purpose::Look {
            return Ok(());
        }
        if self.journal.run.mode == RunMode::DryRun {
            self.scanned.progress.files_uploaded += 1;
            return Ok(());
        }
        self.planned.push(PlannedFile {
            id: FileRecordId::generate(self.ids),
            key,
            path: file.path,
            identity,
            attempts: 0,
            multipart: None,
            etag: None,
            stored_checksum: None,
            declared: None,
        });
        Ok(())
    }

    fn skipped(&mut self, entry: &SkippedEntry) {
        let kind = WarningKind::from(entry.reason);
        if matches!(kind, WarningKind::Unreadable | WarningKind::KeyTooLong) {
            self.is_partial = true;
            self.scanned.progress.total_files += 1;
            self.scanned.progress.files_failed += 1;
        }
        self.warn(kind, &entry.path);
    }

    fn warn(&mut self, kind: WarningKind, path: &RelativePath) {
        self.scanned.warning_count += 1;
        if self.scanned.warnings.len() < Run::MAX_WARNINGS {
            self.scanned.warnings.push(Warning { kind, path: path.to_string() });
        }
    }

    /// Writes down what was planned.
    async fn flush(&mut self) -> Result<(), Halt> {
        for planned in self.planned.chunks(PLANNED_AT_ONCE) {
            self.journal.write(Entry::Plan(planned)).await?;
        }
        self.planned.clear();
        Ok(())
    }
}

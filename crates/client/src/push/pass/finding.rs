//! Finds files, and reads those whose checksums are not known.

use std::io;
use std::ops::ControlFlow;

use tenantry_source::{ScanEvent, ScanReport, ScannedFile, SkipReason, SkippedEntry};
use tenantry_sync::WarningKind;
use tenantry_sync::objects::RelativePath;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};
use tokio::time::sleep;

use super::{Again, BATCH, Pass, Read, Walk};
use crate::push::attempt::{File, Found};
use crate::push::reading::{ReadError, Summed};
use crate::push::retry::Tries;
use crate::push::service::threads;
use crate::push::{Event, Outcome, Path, PushError};

/// Batches of the walk that wait to be taken in.
const BATCHES_AHEAD: usize = 4;

/// The most files that a thread reads at a time, and the most bytes, unless one file has more.
const FILES_AT_ONCE: usize = 64;
const BYTES_AT_ONCE: u64 = 4 << 20;

/// What the walk comes to.
pub(super) type Walked = JoinHandle<io::Result<ScanReport>>;

/// Walks through the folder, on threads of its own.
pub(super) fn walk((folder, options): Walk) -> (mpsc::Receiver<Vec<ScanEvent>>, Walked) {
    let (sender, batches) = mpsc::channel(BATCHES_AHEAD);
    let walked = spawn_blocking(move || {
        folder.scan(&options, &|batch| match sender.blocking_send(batch) {
            Ok(()) => ControlFlow::Continue(()),
            // Nobody listens any more.
            Err(_) => ControlFlow::Break(()),
        })
    });
    (batches, walked)
}

impl Pass<'_> {
    /// Takes in what the walk has found.
    pub(super) fn take(&mut self, batch: Vec<ScanEvent>) {
        for event in batch {
            match event {
                ScanEvent::File(file) => self.take_file(file),
                ScanEvent::Skipped(entry) => self.take_skipped(&entry),
                ScanEvent::Clash { path, kind, .. } => self.warn(kind.into(), &path),
            }
        }
    }

    fn take_file(&mut self, file: ScannedFile) {
        self.counts.total_files += 1;
        self.counts.total_bytes += file.identity.size;
        if str::from_utf8(file.path.as_bytes()).is_err() {
            self.warn(WarningKind::NotUtf8, &file.path);
        }
        match self.cache.look_up(&file.path, &file.identity) {
            Some(checksum) => {
                let summed = Summed { identity: file.identity, checksum, pieces: Vec::new(), kept: None };
                self.note_summed(file.path, summed, Tries::default());
            }
            None => self.found.push_back(Found { file, tries: Tries::default() }),
        }
    }

    /// Also for passes that only count.
    pub(super) fn take_skipped(&mut self, entry: &SkippedEntry) {
        if matches!(entry.reason, SkipReason::Unreadable(_) | SkipReason::NameTooLong) {
            // What is in it is missing.
            self.counts.total_files += 1;
            self.counts.files_failed += 1;
        }
        self.warn(entry.reason.into(), &entry.path);
    }

    pub(super) fn warn(&self, kind: WarningKind, path: &RelativePath) {
        self.reporter.tell(&Event::Warning { kind, path: Path(path) });
    }

    /// The walk is over.
    pub(super) fn walked(&mut self, end: Result<io::Result<ScanReport>, JoinError>) -> Result<(), PushError> {
        match end {
            Ok(Ok(_)) => {
                self.counts.scanned = true;
                Ok(())
            }
            Ok(Err(error)) => Err(PushError::Folder(error)),
            Err(error) => Err(PushError::Worker(error.to_string())),
        }
    }

    /// The checksum of a file is known.
    fn note_summed(&mut self, path: RelativePath, summed: Summed, tries: Tries) {
        let file = File { path, summed, tries, counted: 0 };
        if self.cache.is_stored(&file.path, file.summed.checksum) {
            // An earlier pass of this process has told of it.
            self.counts.files_skipped += 1;
            self.counts.bytes_skipped += file.summed.identity.size;
        } else {
            self.fresh.push(file);
        }
    }

    /// Reads files, as many at a time as there are cores.
    pub(super) fn start_reading(&mut self) {
        while self.reading.len() < threads() && self.fresh.files.len() < 2 * BATCH {
            let mut group = Vec::new();
            let mut bytes = 0;
            while group.len() < FILES_AT_ONCE && bytes < BYTES_AT_ONCE {
                let Some(found) = self.found.pop_front() else { break };
                bytes += found.file.identity.size;
                group.push(found);
            }
            if group.is_empty() {
                break;
            }
            let reader = self.context.reader.clone();
            self.reading.push(spawn_blocking(move || {
                let sum = |found: Found| {
                    let summed = reader.sum(&found.file.path);
                    (found, summed)
                };
                group.into_iter().map(sum).collect()
            }));
        }
    }

    /// Files were read.
    pub(super) fn read(&mut self, read: Result<Vec<Read>, JoinError>) -> Result<(), PushError> {
        for (mut found, summed) in read.map_err(|error| PushError::Worker(error.to_string()))? {
            let size = found.file.identity.size;
            match summed {
                Ok(summed) => {
                    self.counts.total_bytes = (self.counts.total_bytes + summed.identity.size).saturating_sub(size);
                    let Found { file, tries } = found;
                    self.cache.insert(&file.path, summed.identity, summed.checksum, self.context.clock.now());
                    self.note_summed(file.path, summed, tries);
                }
                // As if the walk had come a little later.
                Err(ReadError::Vanished) => {
                    self.counts.total_files -= 1;
                    self.counts.total_bytes = self.counts.total_bytes.saturating_sub(size);
                }
                Err(error) => {
                    let wait = match error {
                        ReadError::Changed => found.tries.failed(self.context),
                        _ => None,
                    };
                    match wait {
                        Some(wait) => self.waiting.push(Box::pin(async move {
                            sleep(wait).await;
                            Again::Read(found)
                        })),
                        None => self.fail_unread(&found, &error.to_string()),
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn fail_unread(&mut self, found: &Found, error: &str) {
        self.counts.files_failed += 1;
        self.tell_file(&found.file.path, Outcome::Failed, found.file.identity.size, Some(error));
    }
}

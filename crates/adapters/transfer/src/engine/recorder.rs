//! Writes down what came of files and parts, many at once.

use std::sync::Arc;
use std::time::Duration;

use tenantry_sync::{FileOutcome, FileRecordId, FileResult, Multipart, PartRecord, Progress};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::halt::Halt;
use super::journal::{Batch, Entry, Journal};

/// What is written down at the latest after this time, or when there is so much of it. What is lost with the worker is
/// at most this.
const LONGEST_WAIT: Duration = Duration::from_millis(250);
const MOST: usize = 200;

/// How much the latest interval counts in the rate.
const WEIGHT_PERCENT: u128 = 20;

/// Something that came about.
pub(super) enum Event {
    /// What came of a file, of which so many bytes were to be uploaded, and so many were counted already.
    File { outcome: Box<FileOutcome>, planned: u64, counted: u64 },
    /// A part is in the store.
    Part(PartRecord),
    /// A file has another multipart upload, which is to be written down at once.
    Begun { file_id: FileRecordId, multipart: Multipart, written: oneshot::Sender<()> },
    /// So many bytes of parts have to be sent again.
    Undone(u64),
}

/// Writes until all senders are gone.
pub(super) async fn record(journal: Arc<Journal>, mut events: mpsc::Receiver<Event>) -> Result<(), Halt> {
    let mut rate = Rate::new();
    while let Some(first) = events.recv().await {
        let mut collected = Collected::default();
        collected.add(first);
        let deadline = Instant::now() + LONGEST_WAIT;
        while !collected.is_due() {
            match timeout_at(deadline, events.recv()).await {
                Ok(Some(event)) => collected.add(event),
                Ok(None) | Err(_) => break,
            }
        }
        rate.note(&mut collected.batch);
        journal.write(Entry::Batch(&collected.batch)).await?;
        for waiting in collected.waiting {
            // Whoever waited may be gone.
            let _ = waiting.send(());
        }
    }
    Ok(())
}

#[derive(Default)]
struct Collected {
    batch: Batch,
    waiting: Vec<oneshot::Sender<()>>,
}

impl Collected {
    fn is_due(&self) -> bool {
        !self.waiting.is_empty() || self.batch.outcomes.len() + self.batch.parts.len() >= MOST
    }

    fn add(&mut self, event: Event) {
        let batch = &mut self.batch;
        let progress: &mut Progress = &mut batch.advance.progress;
        match event {
            Event::Part(part) => {
                progress.bytes_uploaded += part.part.size;
                batch.parts.push(part);
            }
            Event::Begun { file_id, multipart, written } => {
                batch.begun.push((file_id, multipart));
                self.waiting.push(written);
            }
            Event::Undone(bytes) => batch.advance.bytes_undone += bytes,
            Event::File { outcome, planned, counted } => {
                match &outcome.result {
                    FileResult::Uploaded { identity, .. } => {
                        progress.files_uploaded += 1;
                        progress.bytes_uploaded += identity.size;
                        batch.advance.bytes_undone += counted;
                        // It may have changed since it was found.
                        progress.total_bytes += identity.size;
                        batch.advance.bytes_spared += planned;
                    }
                    FileResult::Unchanged(_) => {
                        progress.files_skipped += 1;
                        batch.advance.bytes_undone += counted;
                        batch.advance.bytes_spared += planned;
                    }
                    FileResult::Failed(_) => progress.files_failed += 1,
                }
                batch.outcomes.push(*outcome);
            }
        }
    }
}

/// How fast it goes, as a moving average.
struct Rate {
    since: Instant,
    bytes: u64,
    files: u64,
    bytes_per_second: Option<u64>,
    files_per_second: Option<u64>,
}

impl Rate {
    fn new() -> Self {
        Self { since: Instant::now(), bytes: 0, files: 0, bytes_per_second: None, files_per_second: None }
    }

    fn note(&mut self, batch: &mut Batch) {
        let advance = &mut batch.advance;
        let progress = advance.progress;
        self.bytes += progress.bytes_uploaded.saturating_sub(advance.bytes_undone);
        self.files += progress.files_uploaded + progress.files_skipped + progress.files_failed;
        let milliseconds = self.since.elapsed().as_millis();
        if milliseconds >= LONGEST_WAIT.as_millis() {
            self.bytes_per_second = averaged(self.bytes_per_second, self.bytes, milliseconds);
            self.files_per_second = averaged(self.files_per_second, self.files, milliseconds);
            (self.since, self.bytes, self.files) = (Instant::now(), 0, 0);
        }
        advance.bytes_per_second = self.bytes_per_second;
        advance.files_per_second = self.files_per_second;
    }
}

fn averaged(before: Option<u64>, count: u64, milliseconds: u128) -> Option<u64> {
    let now = u128::from(count) * 1_000 / milliseconds.max(1);
    let average = match before {
        None => now,
        Some(before) => (u128::from(before) * (100 - WEIGHT_PERCENT) + now * WEIGHT_PERCENT) / 100,
    };
    u64::try_from(average).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u7_the_rate_is_a_moving_average() {
        assert_eq!(averaged(None, 500, 250), Some(2_000));
        assert_eq!(averaged(Some(2_000), 0, 1_000), Some(1_600));
    }
}

//! Writes down what came of files and parts, many at once.

use std::sync::Arc;
use std::time::Duration;

use tenantry_sync::{Advance, FileOutcome, FileResult, PartRecord, Progress};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::halt::Halt;
use super::journal::{Entry, Journal};

/// What is written down at the latest after this time, or when there is so much of it. What is lost with the worker is
/// at most this.
const LONGEST_WAIT: Duration = Duration::from_millis(250);
const MOST: usize = 200;

/// How much the latest interval counts in the rate.
const WEIGHT_PERCENT: u128 = 20;

/// Something that came about.
pub(super) enum Event {
    File(FileOutcome),
    Part(PartRecord),
    /// So many bytes of parts have to be sent again.
    Undone(u64),
}

/// Writes until all senders are gone.
pub(super) async fn record(journal: Arc<Journal>, mut events: mpsc::Receiver<Event>) -> Result<(), Halt> {
    let mut batch = Batch::default();
    let mut rate = Rate::new();
    while let Some(first) = events.recv().await {
        batch.add(first);
        let deadline = Instant::now() + LONGEST_WAIT;
        while batch.len() < MOST {
            match timeout_at(deadline, events.recv()).await {
                Ok(Some(event)) => batch.add(event),
                Ok(None) | Err(_) => break,
            }
        }
        rate.note(&mut batch.advance);
        journal.write(Entry::Outcomes(&batch.outcomes, &batch.parts, &batch.advance)).await?;
        batch = Batch::default();
    }
    Ok(())
}

#[derive(Default)]
struct Batch {
    outcomes: Vec<FileOutcome>,
    parts: Vec<PartRecord>,
    advance: Advance,
}

impl Batch {
    fn len(&self) -> usize {
        self.outcomes.len() + self.parts.len()
    }

    fn add(&mut self, event: Event) {
        let progress: &mut Progress = &mut self.advance.progress;
        match event {
            Event::Part(part) => {
                progress.bytes_uploaded += part.part.size;
                self.parts.push(part);
            }
            Event::Undone(bytes) => self.advance.bytes_undone += bytes,
            Event::File(outcome) => {
                match &outcome.result {
                    FileResult::Uploaded { identity, .. } => {
                        progress.files_uploaded += 1;
                        // The parts of a file were counted as they came.
                        if outcome.file.multipart.is_none() {
                            progress.bytes_uploaded += identity.size;
                        }
                    }
                    FileResult::Unchanged(_) => {
                        progress.files_skipped += 1;
                        self.advance.bytes_spared += outcome.file.identity.size;
                    }
                    FileResult::Failed(_) => progress.files_failed += 1,
                }
                self.outcomes.push(outcome);
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

    fn note(&mut self, advance: &mut Advance) {
        let progress = advance.progress;
        self.bytes += progress.bytes_uploaded;
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

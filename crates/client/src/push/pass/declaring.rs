//! Declares files, and takes in what the server says of each.

use tokio::time::sleep;
use uuid::Uuid;

use super::{Again, BATCH, GATHERING, Pass, REQUESTS, is_too_much};
use crate::api::{ApiError, DeclaredFile, Instruction};
use crate::push::PushError;
use crate::push::attempt::{Answer, File};
use crate::push::retry::ask;

/// Files that wait to be sent: enough that senders find some, and few enough that their requests don't expire.
const AHEAD: usize = 2 * BATCH;

/// Bytes that a request may have by a generous guess; servers take a MiB.
const MAX_BYTES: usize = 700_000;

/// Files that were declared, and what the server said.
pub(super) struct Said {
    files: Vec<File>,
    answer: Result<Vec<Instruction>, ApiError>,
}

impl Pass<'_> {
    /// Whether there is room for another request.
    pub(super) fn may_declare(&self) -> bool {
        self.declaring.len() < REQUESTS && self.wanted.len() < AHEAD
    }

    /// Declares files once there are enough, or no others are to be expected soon.
    pub(super) fn start_declaring(&mut self) {
        let Some(job) = self.job else { return };
        while self.may_declare() {
            let batch = match self.halves.pop_front() {
                Some(half) => half,
                None => self.batch(),
            };
            if batch.is_empty() {
                break;
            }
            self.declare(job, batch);
        }
    }

    fn batch(&mut self) -> Vec<File> {
        let is_due = self.fresh.due(GATHERING).is_some_and(|due| due <= tokio::time::Instant::now());
        let is_last = !self.is_reading() && self.counts.scanned;
        if self.fresh.files.len() < BATCH && !is_due && !is_last {
            return Vec::new();
        }
        let mut bytes = 0;
        let fits = |file: &&File| {
            // Quotes are escaped, and other bytes are written in base64.
            bytes += 2 * file.path.as_bytes().len() + 100;
            bytes <= MAX_BYTES
        };
        let most = self.fresh.files.iter().take(BATCH).take_while(fits).count().max(1);
        self.fresh.take(most)
    }

    fn declare(&mut self, job: Uuid, files: Vec<File>) {
        let context = self.context.clone();
        self.declaring.push(Box::pin(async move {
            let declared: Vec<_> = files
                .iter()
                .map(|file| DeclaredFile {
                    path: &file.path,
                    size: file.summed.identity.size,
                    crc64nvme: file.summed.checksum,
                })
                .collect();
            let answer = ask(&context, || context.api.declare(job, &declared)).await;
            drop(declared);
            Said { files, answer }
        }));
    }

    /// The server has answered.
    pub(super) fn said(&mut self, Said { mut files, answer }: Said) -> Result<(), PushError> {
        let said = match answer {
            Ok(said) => said,
            // One of them is to blame.
            Err(error) if is_too_much(&error) && files.len() > 1 => {
                let second = files.split_off(files.len() / 2);
                self.halves.extend([files, second]);
                return Ok(());
            }
            Err(error) if is_too_much(&error) => {
                for file in files {
                    self.fail(file, &error.to_string());
                }
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        for (file, said) in files.into_iter().zip(said) {
            match Answer::of(file, said)? {
                Answer::Wanted(wanted) => self.wanted.push_back(wanted),
                Answer::Stored(file) => self.skip(file),
                Answer::Later(file, error) => self.declare_later(file, &error),
                Answer::Refused(file, error) => self.fail(file, &error),
            }
        }
        Ok(())
    }

    /// Declares a file again after a while, unless that was in vain too often.
    fn declare_later(&mut self, mut file: File, error: &str) {
        if self.stopping.is_some() {
            return;
        }
        match file.tries.failed(self.context) {
            Some(wait) => self.waiting.push(Box::pin(async move {
                sleep(wait).await;
                Again::Declare(file)
            })),
            None => self.fail(file, error),
        }
    }
}

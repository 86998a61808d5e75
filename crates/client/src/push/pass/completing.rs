//! Has the server look whether files have arrived.

use std::collections::HashMap;

use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::{Again, BATCH, Pass, REQUESTS, SETTLING};
use crate::api::{ApiError, Completed, FileError, FileStatus};
use crate::push::attempt::File;
use crate::push::retry::ask;
use crate::push::{Outcome, PushError};

/// Files that were sent, and what the server found.
pub(super) struct Verdicts {
    files: Vec<(Uuid, File)>,
    answer: Result<Vec<Completed>, ApiError>,
}

impl Pass<'_> {
    /// Asks once there are enough, or no others are to be expected soon.
    pub(super) fn start_completing(&mut self) {
        let Some(job) = self.job else { return };
        while self.completing.len() < REQUESTS && !self.arrived.files.is_empty() {
            let is_due = self.arrived.due(SETTLING).is_some_and(|due| due <= Instant::now());
            let is_last = self.sending.is_empty() && (self.stopping.is_some() || self.wanted.is_empty());
            if self.arrived.files.len() < BATCH && !is_due && !is_last {
                break;
            }
            let files = self.arrived.take(BATCH);
            let context = self.context.clone();
            self.completing.push(Box::pin(async move {
                let ids: Vec<Uuid> = files.iter().map(|(id, _)| *id).collect();
                let answer = ask(&context, || context.api.complete(job, &ids)).await;
                Verdicts { files, answer }
            }));
        }
    }

    /// The server has looked.
    pub(super) fn settled(&mut self, Verdicts { files, answer }: Verdicts) -> Result<(), PushError> {
        let found: HashMap<Uuid, Completed> = answer?.into_iter().map(|found| (found.file_id, found)).collect();
        for (id, file) in files {
            match found.get(&id) {
                Some(found) if found.status == FileStatus::Uploaded => self.uploaded(&file),
                Some(found) => self.not_there(file, found.error.unwrap_or(FileError::Other)),
                None => self.not_there(file, FileError::Unknown),
            }
        }
        Ok(())
    }

    fn uploaded(&mut self, file: &File) {
        self.counts.files_uploaded += 1;
        self.cache.note_stored(&file.path, file.summed.checksum);
        self.tell_file(&file.path, Outcome::Uploaded, file.summed.identity.size, None);
    }

    fn not_there(&mut self, mut file: File, error: FileError) {
        if self.stopping.is_some() {
            return;
        }
        match file.tries.failed(self.context) {
            Some(wait) => {
                file.count(self.context, 0);
                self.waiting.push(Box::pin(async move {
                    sleep(wait).await;
                    Again::Declare(file)
                }));
            }
            None => self.fail(file, &error.to_string()),
        }
    }
}

//! Sends files.

use std::sync::atomic::Ordering;

use tenantry_source::ScannedFile;
use tokio::time::{Instant, sleep};

use super::{Again, Pass};
use crate::push::PushError;
use crate::push::attempt::{Found, Next, SendError, Wanted, attempt};
use crate::push::retry::LONGEST_ASKED;

/// A store that has refused so many files, and taken nothing, will refuse the rest.
const MOST_REFUSED: u32 = 20;

/// A file, and what a try at it came to.
pub(super) struct Tried {
    wanted: Wanted,
    outcome: Result<(), SendError>,
}

impl Pass<'_> {
    /// Sends files, as many at once as the store takes.
    pub(super) fn start_sending(&mut self) {
        let Some(job) = self.job else { return };
        if self.paused.is_some_and(|until| until > Instant::now()) {
            return;
        }
        self.paused = None;
        while !self.wanted.is_empty() {
            let Some(turn) = self.context.pace.try_turn() else { break };
            let Some(mut wanted) = self.wanted.pop_front() else { break };
            let context = self.context.clone();
            self.sending.push(Box::pin(async move {
                let _turn = turn;
                let outcome = attempt(&context, job, &mut wanted).await;
                Tried { wanted, outcome }
            }));
        }
    }

    /// A try is over.
    pub(super) fn tried(&mut self, Tried { wanted, outcome }: Tried) -> Result<(), PushError> {
        let Wanted { mut file, file_id, .. } = wanted;
        let Err(error) = outcome else {
            self.context.pace.succeeded();
            self.arrived.push((file_id, file));
            return Ok(());
        };
        if error.asks_for_patience() {
            self.context.pace.slow_down();
            // Others would be told the same.
            let until = error.retry_after().map(|asked| Instant::now() + asked.min(LONGEST_ASKED));
            self.paused = self.paused.max(until);
        }
        if self.stopping.is_some() {
            return Ok(());
        }
        let reason = error.to_string();
        let is_of_store = matches!(error, SendError::Store(_));
        match error.next(self.context, &mut file.tries) {
            Next::Declare(wait) => self.waiting.push(Box::pin(async move {
                sleep(wait).await;
                Again::Declare(file)
            })),
            Next::Read(wait) => {
                file.count(self.context, 0);
                let scanned = ScannedFile { path: file.path, identity: file.summed.identity };
                let found = Found { file: scanned, tries: file.tries };
                self.waiting.push(Box::pin(async move {
                    sleep(wait).await;
                    Again::Read(found)
                }));
            }
            Next::Fail => {
                self.fail(file, &reason);
                self.refused += u32::from(is_of_store);
                if self.refused >= MOST_REFUSED && !self.context.has_taken.load(Ordering::Relaxed) {
                    return Err(PushError::Store(reason));
                }
            }
            Next::End(error) => return Err(error.into()),
        }
        Ok(())
    }
}

//! A pass that only counts.

use tenantry_source::ScanEvent;
use tokio::time::{MissedTickBehavior, interval};

use super::{Ending, Pass, TOLD, Walk, finding};
use crate::push::{PushError, Stop};

impl Pass<'_> {
    /// Counts what is there, and asks nobody.
    pub async fn count(&mut self, walk: Walk, stop: &Stop) -> Result<Ending, PushError> {
        let (mut batches, walked) = finding::walk(walk);
        let mut ticks = interval(TOLD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let batch = tokio::select! {
                batch = batches.recv() => batch,
                _ = ticks.tick() => {
                    self.tell_progress();
                    continue;
                }
                () = stop.requested() => return Ok(Ending::Stopped),
            };
            let Some(batch) = batch else { break };
            for event in batch {
                match event {
                    ScanEvent::File(file) => {
                        self.counts.total_files += 1;
                        self.counts.total_bytes += file.identity.size;
                    }
                    ScanEvent::Skipped(entry) => self.take_skipped(&entry),
                    ScanEvent::Clash { path, kind, .. } => self.warn(kind.into(), &path),
                }
            }
        }
        self.walked(walked.await)?;
        Ok(Ending::Counted)
    }
}

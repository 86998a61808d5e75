//! Waits until something changes in a folder.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

/// For so long nothing may change before a pass begins.
const CALM: Duration = Duration::from_secs(1);

/// A folder that never calms down is not waited for any longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often the whole folder is looked through, whether or not the system has told of a change.
const RESCAN: Duration = Duration::from_mins(5);

/// The same, where the system tells of none.
const RESCAN_UNWATCHED: Duration = Duration::from_secs(30);

/// What changes in a folder.
pub(super) struct Changes {
    something: Arc<Notify>,
    /// It tells for as long as it lives.
    watcher: Option<RecommendedWatcher>,
}

impl Changes {
    /// Watches from now on. Where the system can't, the folder is looked through more often.
    pub fn of(directory: &Path) -> Self {
        let something = Arc::new(Notify::new());
        let told = something.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // An error may stand for changes that were lost.
            if event.map_or(true, |event| is_change(event.kind)) {
                told.notify_one();
            }
        });
        let watcher = watcher.and_then(|mut watcher| {
            watcher.watch(directory, RecursiveMode::Recursive)?;
            Ok(watcher)
        });
        Self { something, watcher: watcher.ok() }
    }

    /// Waits for a change, and until all is calm; or until it is time to look anyway.
    pub async fn next(&self) {
        let rescan = if self.watcher.is_some() { RESCAN } else { RESCAN_UNWATCHED };
        tokio::select! {
            () = self.something.notified() => {}
            () = sleep(rescan) => return,
        }
        let first = Instant::now();
        while first.elapsed() < PATIENCE && timeout(CALM, self.something.notified()).await.is_ok() {}
    }
}

/// Looking through a folder opens what is in it, which must not count.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn u12_reading_is_no_change_and_writing_is() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::write(folder.path().join("a/file"), "1").unwrap();
        let changes = Changes::of(folder.path());
        if changes.watcher.is_none() {
            return; // The system has no watches left.
        }
        fs::read(folder.path().join("a/file")).unwrap();
        fs::read_dir(folder.path().join("a")).unwrap().for_each(drop);
        assert!(timeout(Duration::from_millis(300), changes.something.notified()).await.is_err());
        fs::write(folder.path().join("a/file"), "2").unwrap();
        let before = Instant::now();
        timeout(Duration::from_secs(30), changes.next()).await.unwrap();
        assert!(before.elapsed() >= CALM, "{:?}", before.elapsed());
    }
}

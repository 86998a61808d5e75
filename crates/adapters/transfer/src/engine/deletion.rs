//! Removes objects whose files are gone.

use std::sync::Arc;
use std::time::Duration;

use tenantry_sync::objects::{ObjectError, ObjectKey, ObjectStore};
use tenantry_sync::{Advance, KnownObject, Progress, SyncSession, deletions_allowed};
use tokio::time::sleep;

use super::feed::halted;
use super::halt::Halt;
use super::journal::{Entry, Journal};
use super::scanning::{Found, scan_options};

/// Objects that are removed at once.
const AT_ONCE: usize = 1_000;

/// The longest wait before objects are tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Objects that are read at once.
const PAGE: u32 = 2_000;

/// Removes what the scan has seen no file of. Patterns that leave a file out are no reason to remove its object.
pub(super) async fn delete_extraneous(
    journal: &Journal,
    objects: &Arc<dyn ObjectStore>,
    session: &SyncSession,
    found: &Found,
    first_retry: Duration,
) -> Result<(), Halt> {
    if !found.known.has_unseen() {
        return Ok(());
    }
    if found.is_partial {
        let reason = "some of the folder could not be read, so no object was removed";
        return Err(Halt::Failed(reason.to_owned()));
    }
    let extraneous = list(journal, session, found).await?;
    let count = objects_among(&extraneous);
    let (known, seen) = (found.known.own(), found.progress.total_files);
    if !deletions_allowed(count, known, seen, journal.run.confirmed_deletions) {
        return Err(Halt::Failed(format!(
            "{count} of {known} objects would be removed: start the session again with confirmed_deletions {count}, if \
             that is meant"
        )));
    }
    let mut signal = journal.signal.clone();
    for chunk in extraneous.chunks(AT_ONCE) {
        let mut wait = first_retry;
        let mut tries = 0..session.times_to_retry.get();
        let mut left = chunk.to_vec();
        while let Err(error) = delete(journal, objects, &mut left).await? {
            if !error.is_transient() || tries.next().is_none() {
                return Err(Halt::Failed(format!("objects could not be removed: {error}")));
            }
            tokio::select! {
                () = sleep(wait) => {}
                halt = halted(&mut signal) => return Err(halt),
            }
            wait = wait.saturating_mul(2).min(LONGEST_WAIT);
        }
    }
    Ok(())
}

/// How many of them are known to be there; of the others a worker may have died between storing and saying so.
fn objects_among(extraneous: &[KnownObject]) -> u64 {
    u64::try_from(extraneous.iter().filter(|object| object.has_object).count()).unwrap_or(u64::MAX)
}

async fn list(journal: &Journal, session: &SyncSession, found: &Found) -> Result<Vec<KnownObject>, Halt> {
    let options = scan_options(session)?;
    let prefix = &journal.run.destination.prefix;
    let mut extraneous = Vec::new();
    let mut after: Option<ObjectKey> = None;
    loop {
        let page = journal.known(after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(extraneous) };
        after = Some(last.key.clone());
        let is_gone = |key: &ObjectKey| {
            found.known.is_unseen(key) && key.path_below(prefix).is_some_and(|path| options.takes(&path))
        };
        // Another session may have written there since the folder was looked through.
        extraneous.extend(page.into_iter().filter(|object| object.is_own && is_gone(&object.key)));
    }
}

/// Removes objects, and leaves those in the list that the store would not remove; answers why.
async fn delete(
    journal: &Journal,
    objects: &Arc<dyn ObjectStore>,
    extraneous: &mut Vec<KnownObject>,
) -> Result<Result<(), ObjectError>, Halt> {
    journal.signal.borrow().check()?;
    // The run may have been taken over since the last sign of life.
    journal.hold().await?;
    let keys: Vec<ObjectKey> = extraneous.iter().map(|object| object.key.clone()).collect();
    let kept = match objects.delete(&keys).await {
        Ok(kept) => kept,
        Err(error) => return Ok(Err(error)),
    };
    let is_kept = |key: &ObjectKey| kept.iter().any(|(other, _)| other == key);
    let removed: Vec<KnownObject> = extraneous.extract_if(.., |object| !is_kept(&object.key)).collect();
    let progress = Progress { files_deleted: objects_among(&removed), ..Progress::default() };
    let keys: Vec<ObjectKey> = removed.into_iter().map(|object| object.key).collect();
    journal.write(Entry::Forget(&keys, &Advance { progress, ..Advance::default() })).await?;
    Ok(match kept.into_iter().next() {
        Some((_, error)) => Err(error),
        None => Ok(()),
    })
}

//! Removes objects whose files are gone.

use std::sync::Arc;

use tenantry_sync::objects::{ObjectKey, ObjectStore};
use tenantry_sync::{Advance, Progress, SyncSession, deletions_allowed};

use super::halt::Halt;
use super::journal::{Entry, Journal};
use super::scanning::{Found, scan_options};

/// Objects that are removed at once.
const AT_ONCE: usize = 1_000;

/// Objects that are read at once.
const PAGE: u32 = 2_000;

/// Removes what the scan has seen no file of. Patterns that leave a file out are no reason to remove its object.
pub(super) async fn delete_extraneous(
    journal: &Journal,
    objects: &Arc<dyn ObjectStore>,
    session: &SyncSession,
    found: &Found,
) -> Result<(), Halt> {
    if found.known.unseen() == 0 {
        return Ok(());
    }
    if found.is_partial {
        let reason = "some of the folder could not be read, so no object was removed";
        return Err(Halt::Failed(reason.to_owned()));
    }
    let extraneous = list(journal, session, found).await?;
    let count = u64::try_from(extraneous.len()).unwrap_or(u64::MAX);
    let (known, seen) = (found.known.own(), found.progress.total_files);
    if !deletions_allowed(count, known, seen, journal.run.confirmed_deletions) {
        return Err(Halt::Failed(format!(
            "{count} of {known} objects would be removed: start the session again with confirmed_deletions {count}, if \
             that is meant"
        )));
    }
    for keys in extraneous.chunks(AT_ONCE) {
        journal.signal.borrow().check()?;
        delete(journal, objects, keys).await?;
    }
    Ok(())
}

async fn list(journal: &Journal, session: &SyncSession, found: &Found) -> Result<Vec<ObjectKey>, Halt> {
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
        extraneous.extend(page.into_iter().map(|object| object.key).filter(is_gone));
    }
}

async fn delete(journal: &Journal, objects: &Arc<dyn ObjectStore>, keys: &[ObjectKey]) -> Result<(), Halt> {
    // The run may have been taken over since the last sign of life.
    journal.hold().await?;
    let kept =
        objects.delete(keys).await.map_err(|error| Halt::Failed(format!("objects could not be removed: {error}")))?;
    let removed: Vec<ObjectKey> =
        keys.iter().filter(|key| !kept.iter().any(|(other, _)| other == *key)).cloned().collect();
    let files_deleted = u64::try_from(removed.len()).unwrap_or(u64::MAX);
    let advance = Advance { progress: Progress { files_deleted, ..Progress::default() }, ..Advance::default() };
    journal.write(Entry::Forget(&removed, &advance)).await?;
    match kept.first() {
        Some((_, error)) => Err(Halt::Failed(format!("objects could not be removed: {error}"))),
        None => Ok(()),
    }
}

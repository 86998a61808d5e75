//! What a job counts of a file: always told by its record, so that nothing is counted twice.

use crate::{FileState, IndexedFile, Progress, Run};

/// What the progress of `run` owes to the file.
pub(super) fn counted(run: &Run, indexed: Option<&IndexedFile>) -> Progress {
    let Some(indexed) = indexed.filter(|indexed| indexed.source_id == run.source_id()) else {
        return Progress::default();
    };
    let size = indexed.file.identity.size;
    let found = Progress { total_files: 1, ..Progress::default() };
    match indexed.state {
        FileState::Uploaded | FileState::Skipped if indexed.run_id != run.id => Progress { files_skipped: 1, ..found },
        FileState::Uploaded | FileState::Skipped => {
            Progress { files_uploaded: 1, total_bytes: size, bytes_uploaded: size, ..found }
        }
        FileState::Pending | FileState::Uploading | FileState::Failed => Progress { total_bytes: size, ..found },
    }
}

/// The progress when the file that came to `before` comes to `after`.
pub(super) fn exchanged(progress: Progress, before: Progress, after: Progress) -> Progress {
    let exchange = |of: fn(&Progress) -> u64| of(&progress).saturating_add(of(&after)).saturating_sub(of(&before));
    Progress {
        total_files: exchange(|progress| progress.total_files),
        files_uploaded: exchange(|progress| progress.files_uploaded),
        files_skipped: exchange(|progress| progress.files_skipped),
        files_failed: exchange(|progress| progress.files_failed),
        files_deleted: exchange(|progress| progress.files_deleted),
        total_bytes: exchange(|progress| progress.total_bytes),
        bytes_uploaded: exchange(|progress| progress.bytes_uploaded),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use tenantry_kernel::{IdGenerator as _, OrganizationId, SystemIds, UserId};
    use tenantry_tenancy::ProjectId;
    use uuid::Uuid;

    use super::*;
    use crate::objects::{ObjectKey, RelativePath};
    use crate::{Destination, FileIdentity, FileRecordId, PlannedFile, RunId, RunMode, SourceId};

    fn run() -> Run {
        let id = || SystemIds.next_id();
        let destination = Destination { bucket: None, profile: None, prefix: String::new() };
        Run::queued(
            RunId::from_uuid(id()),
            (OrganizationId::from_uuid(id()), UserId::from_uuid(id())),
            ProjectId::from_uuid(id()),
            RunMode::Direct,
            destination,
            DateTime::UNIX_EPOCH,
        )
    }

    fn indexed(run: &Run, state: FileState) -> IndexedFile {
        let file = PlannedFile {
            id: FileRecordId::generate(&SystemIds),
            key: ObjectKey::parse("a").unwrap(),
            path: RelativePath::parse(b"a").unwrap(),
            identity: FileIdentity { size: 7, ..FileIdentity::default() },
            attempts: 0,
            multipart: None,
            etag: None,
            stored_checksum: None,
            declared: None,
        };
        IndexedFile { file, source_id: run.source_id(), run_id: run.id, state }
    }

    #[test]
    fn u7_a_file_counts_as_what_became_of_it() {
        let run = run();
        let pending = indexed(&run, FileState::Pending);
        let uploaded = indexed(&run, FileState::Uploaded);
        let skipped = IndexedFile { run_id: RunId::from_uuid(Uuid::nil()), ..uploaded.clone() };
        let others = IndexedFile { source_id: SourceId::generate(&SystemIds), ..uploaded.clone() };
        let waiting = Progress { total_files: 1, total_bytes: 7, ..Progress::default() };
        assert_eq!(counted(&run, Some(&pending)), waiting);
        let done = Progress { files_uploaded: 1, bytes_uploaded: 7, ..waiting };
        assert_eq!(counted(&run, Some(&uploaded)), done);
        let spared = Progress { total_files: 1, files_skipped: 1, ..Progress::default() };
        assert_eq!(counted(&run, Some(&skipped)), spared);
        assert_eq!([counted(&run, Some(&others)), counted(&run, None)], [Progress::default(); 2]);
        let once = exchanged(Progress::default(), Progress::default(), waiting);
        let twice = exchanged(once, waiting, waiting);
        assert_eq!(exchanged(twice, waiting, done), done);
    }
}

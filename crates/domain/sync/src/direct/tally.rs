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

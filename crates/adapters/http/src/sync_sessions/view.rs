use chrono::{DateTime, Utc};
use serde::Serialize;
use tenantry_sync::{FileRecord, SyncSession};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::etag::Tagged;

/// A sync session, with what its latest job did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SyncSession)]
pub(crate) struct SessionView {
    id: Uuid,
    organization_id: Uuid,
    /// Who made or last changed it; its scheduled jobs are in their name.
    user_id: Uuid,
    project_id: Uuid,
    #[schema(required)]
    cycle_id: Option<Uuid>,
    /// The folder on the server.
    local_directory: String,
    /// Where its objects go below the project's prefix; null: where its cycle's do.
    #[schema(required)]
    s3_prefix: Option<String>,
    /// A profile of the server's AWS configuration; null: the server's own rights.
    #[schema(required)]
    aws_profile: Option<String>,
    max_workers: u16,
    times_to_retry: u16,
    use_find: bool,
    /// Patterns in the syntax of gitignore: which files; empty: all.
    include: Vec<String>,
    /// Which of these not.
    exclude: Vec<String>,
    /// `size_and_time` or `checksum`: what makes a file count as unchanged.
    compare_by: &'static str,
    /// Whether objects are removed whose files are gone.
    delete_extraneous: bool,
    /// When it runs by itself: a cron expression of five fields, in UTC.
    #[schema(required)]
    schedule: Option<String>,
    /// `pending`, `in_progress`, `completed`, `completed_with_errors`, `failed` or `cancelled`.
    status: &'static str,
    /// The latest job.
    #[schema(required)]
    job_id: Option<Uuid>,
    total_files: u64,
    files_uploaded: u64,
    files_skipped: u64,
    files_failed: u64,
    /// Bytes that the latest job had to upload.
    total_bytes: u64,
    bytes_uploaded: u64,
    #[schema(required)]
    started_at: Option<DateTime<Utc>>,
    #[schema(required)]
    completed_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<SyncSession> for SessionView {
    fn from(session: SyncSession) -> Self {
        let status = session.status();
        let run = session.last_run;
        let progress = run.as_ref().map(|run| run.progress).unwrap_or_default();
        Self {
            id: session.id.as_uuid(),
            organization_id: session.organization_id.as_uuid(),
            user_id: session.user_id.as_uuid(),
            project_id: session.project_id.as_uuid(),
            cycle_id: session.cycle_id.map(Into::into),
            local_directory: session.local_directory.as_str().to_owned(),
            s3_prefix: session.s3_prefix.map(|prefix| prefix.as_str().to_owned()),
            aws_profile: session.aws_profile.map(|name| name.as_str().to_owned()),
            max_workers: session.max_workers.get(),
            times_to_retry: session.times_to_retry.get(),
            use_find: session.use_find,
            include: session.include.as_slice().to_vec(),
            exclude: session.exclude.as_slice().to_vec(),
            compare_by: session.compare_by.as_str(),
            delete_extraneous: session.delete_extraneous,
            schedule: session.schedule.map(|schedule| schedule.as_str().to_owned()),
            status: status.as_str(),
            job_id: run.as_ref().map(|run| run.id.as_uuid()),
            total_files: progress.total_files,
            files_uploaded: progress.files_uploaded,
            files_skipped: progress.files_skipped,
            files_failed: progress.files_failed,
            total_bytes: progress.total_bytes,
            bytes_uploaded: progress.bytes_uploaded,
            started_at: run.as_ref().and_then(|run| run.started_at),
            completed_at: run.as_ref().and_then(|run| run.finished_at),
            created_at: session.created_at,
            updated_at: session.updated_at,
        }
    }
}

impl SessionView {
    /// The session with its version: the progress of its job, which no revision covers, is part of the tag.
    pub(super) fn tagged(session: SyncSession) -> Tagged<Self> {
        let revision = session.revision;
        let variant = session.last_run.as_ref().map(|run| {
            let progress = run.progress;
            let files = progress.files_uploaded + progress.files_skipped + progress.files_failed;
            format!("{}-{}-{files}-{}", run.id, run.state.as_str(), progress.bytes_uploaded)
        });
        let tagged = Tagged::ok(revision, Self::from(session));
        match variant {
            Some(variant) => tagged.varied_by(variant),
            None => tagged,
        }
    }
}

/// A file of a sync session.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SyncFile)]
pub(crate) struct FileView {
    id: Uuid,
    /// Below the folder; bytes that are not UTF-8 are replaced here, and escaped in the key.
    path: String,
    /// The object that it becomes.
    key: String,
    size: u64,
    /// What became of it in the latest job: `pending`, `uploading`, `uploaded`, `skipped` or `failed`.
    status: &'static str,
    /// How often it was tried in the job that last did.
    attempts: u16,
    /// The CRC-64/NVME of the object, in base64.
    #[schema(required)]
    checksum: Option<String>,
    #[schema(required)]
    error: Option<String>,
    #[schema(required)]
    uploaded_at: Option<DateTime<Utc>>,
}

impl From<FileRecord> for FileView {
    fn from(file: FileRecord) -> Self {
        Self {
            id: file.id.as_uuid(),
            path: file.path.to_string(),
            key: file.key.as_str().to_owned(),
            size: file.size,
            status: file.state.as_str(),
            attempts: file.attempts,
            checksum: file.checksum.map(|checksum| checksum.to_string()),
            error: file.error,
            uploaded_at: file.uploaded_at,
        }
    }
}

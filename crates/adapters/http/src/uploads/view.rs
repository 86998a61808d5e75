use chrono::{DateTime, Utc};
use serde::Serialize;
use tenantry_sync::{Run, RunMode, SessionStatus, SyncSessionId};
use utoipa::ToSchema;
use uuid::Uuid;

/// A job that was queued.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QueuedJob)]
pub(crate) struct QueuedView {
    job_id: Uuid,
    #[schema(value_type = Uuid)]
    session_id: Option<Uuid>,
    /// `queued`.
    status: &'static str,
}

impl From<Run> for QueuedView {
    fn from(run: Run) -> Self {
        Self {
            job_id: run.id.as_uuid(),
            session_id: run.session_id.map(SyncSessionId::as_uuid),
            status: run.state.as_str(),
        }
    }
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = JobStatus)]
pub(crate) struct StatusView {
    job_id: Uuid,
    /// `queued`, `started`, `finished`, `failed` or `cancelled`.
    pub(super) status: &'static str,
    /// Null for a direct upload.
    #[schema(required)]
    session_id: Option<Uuid>,
    /// What the job makes of its session; a dry run makes nothing of it. Null for a direct upload.
    #[schema(required)]
    session_status: Option<&'static str>,
    /// Whether it only counts what it would upload.
    dry_run: bool,
    /// Whether the folder was looked through, so that the totals are final; those of a direct upload are when it is
    /// finished.
    scanned: bool,
    total_files: u64,
    files_uploaded: u64,
    files_skipped: u64,
    files_failed: u64,
    /// Objects that were removed because their files are gone.
    files_deleted: u64,
    /// Bytes that are to be uploaded.
    total_bytes: u64,
    bytes_uploaded: u64,
    /// Of the bytes that are to be uploaded; 100 at the end only.
    percent: u8,
    /// Null while it is not known.
    #[schema(required)]
    bytes_per_second: Option<u64>,
    /// Null while the folder is looked through, and where it is not known.
    #[schema(required)]
    eta_seconds: Option<u64>,
    #[schema(required)]
    started_at: Option<DateTime<Utc>>,
    #[schema(required)]
    finished_at: Option<DateTime<Utc>>,
    /// Why it was given up.
    #[schema(required)]
    error: Option<String>,
    /// What people should know of some files, at most 100 of them.
    warnings: Vec<WarningView>,
    /// How many there were.
    warning_count: u64,
}

/// Something that people should know of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = JobWarning)]
pub(crate) struct WarningView {
    /// `symlink`, `special_file`, `unreadable`, `sensitive`, `not_utf8`, `case_clash`, `normalization_clash`,
    /// `key_too_long` or `loop`.
    #[schema(value_type = String)]
    kind: tenantry_sync::WarningKind,
    path: String,
}

impl From<Run> for StatusView {
    fn from(run: Run) -> Self {
        let progress = run.progress;
        Self {
            job_id: run.id.as_uuid(),
            status: run.state.as_str(),
            session_id: run.session_id.map(SyncSessionId::as_uuid),
            session_status: run.session_status().map(SessionStatus::as_str),
            dry_run: run.mode == RunMode::DryRun,
            scanned: run.is_scanned,
            total_files: progress.total_files,
            files_uploaded: progress.files_uploaded,
            files_skipped: progress.files_skipped,
            files_failed: progress.files_failed,
            files_deleted: progress.files_deleted,
            total_bytes: progress.total_bytes,
            bytes_uploaded: progress.bytes_uploaded,
            percent: run.percent(),
            bytes_per_second: run.bytes_per_second,
            eta_seconds: run.eta_seconds(),
            started_at: run.started_at,
            finished_at: run.finished_at,
            error: run.error,
            warnings: run
                .warnings
                .into_iter()
                .map(|warning| WarningView { kind: warning.kind, path: warning.path })
                .collect(),
            warning_count: run.warning_count,
        }
    }
}

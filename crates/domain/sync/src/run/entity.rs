use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tenantry_kernel::{OrganizationId, Revision, UserId, typed_id};
use tenantry_tenancy::{BucketName, ProjectId};

use crate::{CycleId, ProfileName, SessionStatus, SyncSessionId};

typed_id! {
    /// Names a run: the job of the API.
    RunId
}

typed_id! {
    /// Names what files came of: a sync session, or a direct upload.
    SourceId
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// It waits for a worker.
    Queued,
    /// A worker has it; a direct upload is so from the beginning.
    Started,
    /// It went through, though some files may have failed.
    Finished,
    /// It was given up.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
}

/// A text is not the name of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be queued, started, finished, failed or cancelled")]
pub struct RunStateError;

impl RunState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Started, Self::Finished, Self::Failed, Self::Cancelled];

    /// The name of the state, as the API and the databases spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Started => "started",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether something is still to come.
    #[must_use]
    pub fn is_active(self) -> bool {
        matches!(self, Self::Queued | Self::Started)
    }
}

impl FromStr for RunState {
    type Err = RunStateError;

    fn from_str(name: &str) -> Result<Self, RunStateError> {
        Self::ALL.into_iter().find(|state| state.as_str() == name).ok_or(RunStateError)
    }
}

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RunMode {
    /// It looks through the folder and uploads what changed.
    #[default]
    Full,
    /// It looks through the folder and counts what it would upload.
    DryRun,
    /// It uploads the files that failed in an earlier run.
    FailedFiles,
    /// A client sends files of its own: no session runs, and no worker takes it.
    Direct,
}

/// A text is not the name of a mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be full, dry_run, failed_files or direct")]
pub struct RunModeError;

impl RunMode {
    /// The name of the mode, as the databases spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::DryRun => "dry_run",
            Self::FailedFiles => "failed_files",
            Self::Direct => "direct",
        }
    }
}

impl FromStr for RunMode {
    type Err = RunModeError;

    fn from_str(name: &str) -> Result<Self, RunModeError> {
        let all = [Self::Full, Self::DryRun, Self::FailedFiles, Self::Direct];
        all.into_iter().find(|mode| mode.as_str() == name).ok_or(RunModeError)
    }
}

/// How much a run has to do and did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Files that were found.
    pub total_files: u64,
    /// Files that were uploaded, or would be by a dry run.
    pub files_uploaded: u64,
    /// Files that are in the store already.
    pub files_skipped: u64,
    /// Files that could not be uploaded, or not even be read.
    pub files_failed: u64,
    /// Objects that were removed because their files are gone.
    pub files_deleted: u64,
    /// Bytes of the files that are to be uploaded.
    pub total_bytes: u64,
    /// Bytes of these that were uploaded.
    pub bytes_uploaded: u64,
}

/// Where a run writes, as it was when it was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The bucket, if not the server's own.
    pub bucket: Option<BucketName>,
    /// With whose rights, if not with the server's.
    pub profile: Option<ProfileName>,
    /// What all keys begin with, without a slash at the end.
    pub prefix: String,
}

/// Something that people should know of a file, though it was uploaded or left out as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// What it is about.
    pub kind: WarningKind,
    /// The path below the folder, bytes that are not UTF-8 replaced.
    pub path: String,
}

/// What people should know of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningKind {
    /// A link, which was not followed.
    Symlink,
    /// Neither a file nor a folder.
    SpecialFile,
    /// A folder that could not be read, so that what is in it is missing.
    Unreadable,
    /// Left out because such files hold secrets.
    Sensitive,
    /// Its name is not UTF-8; the key has its bytes escaped.
    NotUtf8,
    /// Another name in its folder differs in case only.
    CaseClash,
    /// Another name in its folder differs in Unicode normalisation only.
    NormalizationClash,
    /// The folder is one that it is in itself.
    Loop,
    /// Its key would be longer than object stores allow.
    KeyTooLong,
}

/// One run of a session, or a direct upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Names the run.
    pub id: RunId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// In whose name it is done.
    pub user_id: UserId,
    /// The session that runs; none for a direct upload.
    pub session_id: Option<SyncSessionId>,
    /// The version of the session that it is a run of, where that was written down.
    pub session_revision: Option<Revision>,
    /// The session's project, or the direct upload's.
    pub project_id: ProjectId,
    /// The cycle that a direct upload is for; a session knows its own.
    pub cycle_id: Option<CycleId>,
    /// What it does.
    pub mode: RunMode,
    /// Where it writes.
    pub destination: Destination,
    /// How many objects it may remove without asking again.
    pub confirmed_deletions: u64,
    /// How far it is.
    pub state: RunState,
    /// Whether the totals are final: the folder was looked through.
    pub is_scanned: bool,
    /// Whether somebody asked it to stop.
    pub cancel_requested: bool,
    /// How much it has to do and did.
    pub progress: Progress,
    /// How fast it goes, in bytes a second, where that is known.
    pub bytes_per_second: Option<u64>,
    /// How fast it goes, in files a second, where that is known.
    pub files_per_second: Option<u64>,
    /// Why it was given up, fit to be shown to members.
    pub error: Option<String>,
    /// What people should know of some files; at most 100.
    pub warnings: Vec<Warning>,
    /// How many of these there were.
    pub warning_count: u64,
    /// How many workers died over it since one got on with it.
    pub crashes: u16,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When a worker first took it.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// When it last got on.
    pub updated_at: DateTime<Utc>,
}

/// What a session shows of its latest run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSummary {
    /// Names the run.
    pub id: RunId,
    /// How far it is.
    pub state: RunState,
    /// How much it has to do and did.
    pub progress: Progress,
    /// When a worker first took it.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

/// How a run ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunEnd {
    /// It went through.
    Finished,
    /// It was given up, for this reason.
    Failed(String),
    /// It was cancelled.
    Cancelled,
}

impl RunEnd {
    /// The state that the run is in then.
    #[must_use]
    pub fn state(&self) -> RunState {
        match self {
            Self::Finished => RunState::Finished,
            Self::Failed(_) => RunState::Failed,
            Self::Cancelled => RunState::Cancelled,
        }
    }

    /// Why it was given up.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        match self {
            Self::Failed(reason) => Some(reason),
            Self::Finished | Self::Cancelled => None,
        }
    }
}

impl RunSummary {
    /// What the run makes of its session.
    #[must_use]
    pub fn session_status(&self) -> SessionStatus {
        SessionStatus::after(self.state, self.progress.files_failed > 0)
    }
}

impl Run {
    /// The most warnings that are kept.
    pub const MAX_WARNINGS: usize = 100;

    /// How many workers in a row may die over a run, none of which got on with it, before it is given up.
    pub const MAX_CRASHES: u16 = 5;

    /// A run that waits, and has found nothing yet; it comes of no session, and of no cycle.
    #[must_use]
    pub fn queued(
        id: RunId,
        (organization_id, user_id): (OrganizationId, UserId),
        project_id: ProjectId,
        mode: RunMode,
        destination: Destination,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            organization_id,
            user_id,
            session_id: None,
            session_revision: None,
            project_id,
            cycle_id: None,
            mode,
            destination,
            confirmed_deletions: 0,
            state: RunState::Queued,
            is_scanned: false,
            cancel_requested: false,
            progress: Progress::default(),
            bytes_per_second: None,
            files_per_second: None,
            error: None,
            warnings: Vec::new(),
            warning_count: 0,
            crashes: 0,
            created_at: now,
            started_at: None,
            finished_at: None,
            updated_at: now,
        }
    }

    /// What the run makes of its session, if it is of any.
    #[must_use]
    pub fn session_status(&self) -> Option<SessionStatus> {
        self.session_id.map(|_| SessionStatus::after(self.state, self.progress.files_failed > 0))
    }

    /// What its files come of.
    #[must_use]
    pub fn source_id(&self) -> SourceId {
        SourceId::from_uuid(self.session_id.map_or_else(|| self.id.as_uuid(), SyncSessionId::as_uuid))
    }

    /// The run after its end at `now`.
    #[must_use]
    pub fn ended(self, end: &RunEnd, now: DateTime<Utc>) -> Self {
        let error = end.error().map(str::to_owned);
        Self { state: end.state(), error, finished_at: Some(now), updated_at: now, ..self }
    }

    /// How much of it is done, in per cent: of the bytes, or of the files while there are no bytes to upload.
    #[must_use]
    pub fn percent(&self) -> u8 {
        let Progress { total_files, files_uploaded, files_skipped, files_failed, total_bytes, bytes_uploaded, .. } =
            self.progress;
        if self.state == RunState::Finished {
            return 100;
        }
        if !self.is_scanned && self.mode != RunMode::Direct {
            return 0;
        }
        let (done, all) = if total_bytes > 0 {
            (bytes_uploaded.min(total_bytes), total_bytes)
        } else {
            (files_uploaded + files_skipped + files_failed, total_files)
        };
        // Only the end is a hundred.
        let percent = u128::from(done) * 100 / u128::from(all.max(1));
        u8::try_from(percent.min(99)).unwrap_or(99)
    }

    /// How many seconds it will still take, if it goes on as it does: none before the totals are known.
    #[must_use]
    pub fn eta_seconds(&self) -> Option<u64> {
        if self.state != RunState::Started || !self.is_scanned {
            return None;
        }
        let Progress { total_files, files_uploaded, files_skipped, files_failed, total_bytes, bytes_uploaded, .. } =
            self.progress;
        let files_left = total_files.saturating_sub(files_uploaded + files_skipped + files_failed);
        let bytes_left = total_bytes.saturating_sub(bytes_uploaded);
        if files_left == 0 {
            return Some(0);
        }
        // Small files take their time by number, large ones by size: the slower of the two counts.
        let by_files = self.files_per_second.filter(|rate| *rate > 0).map(|rate| files_left.div_ceil(rate));
        let by_bytes = self.bytes_per_second.filter(|rate| *rate > 0).map(|rate| bytes_left.div_ceil(rate));
        match (by_files, by_bytes) {
            // A file of many parts is one file, so its number says little.
            (_, Some(by_bytes)) if files_left < 100 => Some(by_bytes),
            (by_files, by_bytes) => by_files.max(by_bytes),
        }
    }
}

/// Whether a run may remove so many of `known` objects without having been told that it may remove `confirmed`.
///
/// A folder that was emptied or not mounted looks like one whose files were all deleted: nothing of it (`found` is 0)
/// always needs a word, and so do more than a hundred objects that are more than a tenth.
#[must_use]
pub fn deletions_allowed(extraneous: u64, known: u64, found: u64, confirmed: u64) -> bool {
    extraneous <= confirmed || (found > 0 && extraneous <= (known / 10).max(100))
}

#[cfg(test)]
mod tests {
    use tenantry_kernel::{IdGenerator, SystemIds};

    use super::*;

    fn run(progress: Progress) -> Run {
        let id = || SystemIds.next_id();
        let destination = Destination { bucket: None, profile: None, prefix: String::new() };
        let (run_id, project_id) = (RunId::from_uuid(id()), ProjectId::from_uuid(id()));
        let whose = (OrganizationId::from_uuid(id()), UserId::from_uuid(id()));
        Run {
            session_id: Some(SyncSessionId::from_uuid(id())),
            state: RunState::Started,
            is_scanned: true,
            progress,
            bytes_per_second: Some(10),
            files_per_second: Some(2),
            ..Run::queued(run_id, whose, project_id, RunMode::Full, destination, DateTime::UNIX_EPOCH)
        }
    }

    #[test]
    fn only_the_end_is_a_hundred_per_cent() {
        let all =
            Progress { total_files: 4, files_uploaded: 4, total_bytes: 8, bytes_uploaded: 9, ..Default::default() };
        assert_eq!(run(all).percent(), 99);
        assert_eq!(Run { state: RunState::Finished, ..run(all) }.percent(), 100);
        assert_eq!(Run { is_scanned: false, ..run(all) }.percent(), 0);
        assert_eq!(run(Progress { bytes_uploaded: 2, ..all }).percent(), 25);
        assert_eq!(run(Progress { total_files: 2, files_skipped: 1, ..Default::default() }).percent(), 50);
    }

    #[test]
    fn u7_a_direct_upload_is_its_own_source() {
        let session = run(Progress::default());
        assert_eq!(Some(session.source_id().as_uuid()), session.session_id.map(SyncSessionId::as_uuid));
        assert_eq!(session.session_status(), Some(SessionStatus::InProgress));
        let direct = Run { mode: RunMode::Direct, session_id: None, is_scanned: false, ..session };
        assert_eq!(direct.source_id().as_uuid(), direct.id.as_uuid());
        assert_eq!(direct.session_status(), None);
        let half = Progress { total_files: 2, files_skipped: 1, ..Progress::default() };
        assert_eq!(Run { progress: half, ..direct }.percent(), 50, "of what was declared so far");
    }

    #[test]
    fn the_time_left_is_told_once_the_totals_are_known() {
        let half = Progress {
            total_files: 400,
            files_uploaded: 200,
            total_bytes: 80,
            bytes_uploaded: 40,
            ..Default::default()
        };
        assert_eq!(run(half).eta_seconds(), Some(100));
        assert_eq!(run(Progress { total_files: 202, ..half }).eta_seconds(), Some(4));
        assert_eq!(Run { is_scanned: false, ..run(half) }.eta_seconds(), None);
        assert_eq!(Run { bytes_per_second: None, files_per_second: None, ..run(half) }.eta_seconds(), None);
        assert_eq!(run(Progress { files_uploaded: 400, ..half }).eta_seconds(), Some(0));
    }

    #[test]
    fn u8_many_deletions_need_a_word() {
        assert!(deletions_allowed(0, 0, 0, 0));
        assert!(deletions_allowed(100, 100, 1, 0));
        assert!(!deletions_allowed(1, 100, 0, 0), "the folder is empty");
        assert!(!deletions_allowed(101, 1_000, 899, 0));
        assert!(deletions_allowed(101, 1_010, 899, 0));
        assert!(deletions_allowed(900, 900, 0, 900));
        assert!(!deletions_allowed(901, 901, 0, 900));
    }
}

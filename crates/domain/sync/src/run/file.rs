use std::str::FromStr;

use chrono::{DateTime, Utc};
use tenantry_kernel::{Cursor, SortKey, typed_id};

use super::{RunId, SourceId};
use crate::objects::{Crc64, ObjectKey, RelativePath, StoredPart, UploadId};

typed_id! {
    /// Names the record of a file.
    FileRecordId
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// It waits.
    Pending,
    /// Parts of it are in the store.
    Uploading,
    /// It is in the store.
    Uploaded,
    /// It was in the store already.
    Skipped,
    /// It could not be uploaded.
    Failed,
}

/// A text is not the name of a state. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be pending, uploading, uploaded, skipped or failed")]
pub struct FileStateError;

impl FileState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Uploading, Self::Uploaded, Self::Skipped, Self::Failed];

    /// The state that is stored: whether a waiting file has parts, and which run uploaded one, is told by other fields.
    #[must_use]
    pub fn stored(self) -> Self {
        match self {
            Self::Pending | Self::Uploading => Self::Pending,
            Self::Uploaded | Self::Skipped => Self::Uploaded,
            Self::Failed => Self::Failed,
        }
    }

    /// The name of the state, as the API spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Uploading => "uploading",
            Self::Uploaded => "uploaded",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for FileState {
    type Err = FileStateError;

    fn from_str(name: &str) -> Result<Self, FileStateError> {
        Self::ALL.into_iter().find(|state| state.as_str() == name).ok_or(FileStateError)
    }
}

/// What tells whether a file is still the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FileIdentity {
    /// The device that it is on.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// Bytes.
    pub size: u64,
    /// When its bytes last changed, in nanoseconds since 1970; programs can set it.
    pub mtime_ns: i64,
    /// When anything of it last changed; programs can't set it.
    pub ctime_ns: i64,
}

/// What the store is known to hold under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownObject {
    /// The key.
    pub key: ObjectKey,
    /// Whether the session put it there, or was to.
    pub is_own: bool,
    /// Whether the file's latest bytes are there: the session has uploaded it, and was not to do so again since.
    pub is_current: bool,
    /// Whether anything is there.
    pub has_object: bool,
    /// Bytes of the file that was uploaded.
    pub size: u64,
    /// When that file's bytes had last changed, in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// The checksum of the object.
    pub checksum: Option<Crc64>,
}

/// A multipart upload that a file has under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multipart {
    /// What the store calls it.
    pub upload_id: UploadId,
    /// Bytes of every part but the last.
    pub part_size: u64,
}

/// A file that is to be uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFile {
    /// Names its record.
    pub id: FileRecordId,
    /// Where it is to go.
    pub key: ObjectKey,
    /// Where it is.
    pub path: RelativePath,
    /// What it was when it was found.
    pub identity: FileIdentity,
    /// How often it was tried.
    pub attempts: u16,
    /// What an earlier worker left.
    pub multipart: Option<Multipart>,
    /// What the store calls the version that is there.
    pub etag: Option<String>,
    /// The checksum of what is there.
    pub stored_checksum: Option<Crc64>,
    /// The checksum of the file, where a client said it.
    pub declared: Option<Crc64>,
}

impl PlannedFile {
    /// Whether the other is the same file, as far as is known, so that what was sent of one is of use for the other.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.identity == other.identity && self.declared == other.declared
    }
}

/// What is known of a key: the file that was last to go there, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedFile {
    /// The file.
    pub file: PlannedFile,
    /// What it came of.
    pub source_id: SourceId,
    /// The run that was to upload it; no run where the store had the same bytes already.
    pub run_id: RunId,
    /// What became of it, as it is stored.
    pub state: FileState,
}

/// A part that is in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartRecord {
    /// The file that it is of.
    pub file_id: FileRecordId,
    /// The part, with its checksum.
    pub part: StoredPart,
}

/// What came of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileOutcome {
    /// The file, as it was planned.
    pub file: PlannedFile,
    /// What came of it.
    pub result: FileResult,
}

/// What came of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileResult {
    /// It is in the store, or was found there with the same bytes.
    Uploaded {
        /// What it was when it was read.
        identity: FileIdentity,
        /// The checksum of its bytes.
        checksum: Crc64,
        /// What the store calls the version.
        etag: Option<String>,
        /// When.
        at: DateTime<Utc>,
    },
    /// The store has the same bytes already, though the file looked as if it had changed.
    Unchanged(FileIdentity),
    /// It could not be uploaded, for this reason, fit to be shown to members.
    Failed(String),
}

/// What is kept of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    /// Names the record.
    pub id: FileRecordId,
    /// Where it is below the folder.
    pub path: RelativePath,
    /// Where it goes.
    pub key: ObjectKey,
    /// Bytes.
    pub size: u64,
    /// What became of it in the session's latest run.
    pub state: FileState,
    /// How often it was tried there.
    pub attempts: u16,
    /// The checksum of what is in the store.
    pub checksum: Option<Crc64>,
    /// Why it could not be uploaded.
    pub error: Option<String>,
    /// When it was uploaded.
    pub uploaded_at: Option<DateTime<Utc>>,
}

/// Which files a list holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileFilter {
    /// Of which this became.
    pub state: Option<FileState>,
}

impl FileRecord {
    /// The place just after this file in a list, ordered by the states that are stored.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor { key: SortKey::Text(self.state.stored().as_str().to_owned()), id: self.id.as_uuid() }
    }
}

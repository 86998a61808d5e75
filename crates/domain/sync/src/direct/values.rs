use std::sync::Arc;

use chrono::{DateTime, Utc};
use tenantry_tenancy::{ProjectId, StoragePrefix};

use crate::objects::{Crc64, KeyError, ObjectError, PresignedRequest, RelativePath};
use crate::{CycleId, FileRecordId, RunId};

/// What somebody gives to open a direct upload.
#[derive(Debug, Clone)]
pub struct NewDirectUpload {
    /// The id, where one was reserved for it before.
    pub id: Option<RunId>,
    /// The project whose objects it makes.
    pub project_id: ProjectId,
    /// The cycle that they belong to.
    pub cycle_id: Option<CycleId>,
    /// Where its objects go below the project's prefix, if not where its cycle's do.
    pub s3_prefix: Option<StoragePrefix>,
}

/// What a client says of a file that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// Where it is to be found, and to go.
    pub path: RelativePath,
    /// Bytes.
    pub size: u64,
    /// The checksum of all of them.
    pub checksum: Option<Crc64>,
}

/// Why a file can't be taken. The message fits after the name of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeclarationError {
    /// It has none, or two, or one that leads elsewhere.
    #[error("needs one path that leads nowhere but down")]
    Path,
    /// Its checksum is none.
    #[error("has a checksum that is not the base64 of the 8 bytes of a CRC-64/NVME")]
    Checksum,
    /// Its key can't be one.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Another file of the request has the same path.
    #[error("is in the request twice")]
    Twice,
    /// It is to be sent in parts, and what they come to could not be checked.
    #[error("is so large that it needs a checksum")]
    ChecksumNeeded,
    /// The store takes no object of this size.
    #[error("is larger than the object store takes")]
    TooLarge,
}

/// A file that was declared.
#[derive(Debug, Clone)]
pub struct Declared {
    /// Names its record.
    pub file_id: FileRecordId,
    /// What the client is to do about it.
    pub next: NextStep,
}

/// What a client is to do about a file.
#[derive(Debug, Clone)]
pub enum NextStep {
    /// Nothing: the store has these bytes.
    Skip,
    /// To send it in one piece.
    Put(Presigned),
    /// To ask for requests by which it sends the parts that are missing.
    Multipart {
        /// Bytes of every part but the last.
        part_size: u64,
        /// The numbers of the parts that the store has already.
        parts_done: Vec<u32>,
    },
    /// To declare it again after a while: the store could not be asked what it has of it.
    Later(Arc<ObjectError>),
    /// To send the server its bytes one after the other, from where they end that have arrived.
    Append,
}

/// A request that the client may send to the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presigned {
    /// The request.
    pub request: PresignedRequest,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

/// A part that a client wants to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WantedPart {
    /// From 1.
    pub number: u32,
    /// Its checksum.
    pub checksum: Crc64,
}

/// The requests by which a client sends parts of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresignedParts {
    /// Bytes of every part but the last.
    pub part_size: u64,
    /// Until when the requests may be sent.
    pub expires_at: DateTime<Utc>,
    /// One for each part that was asked for.
    pub parts: Vec<PresignedPart>,
}

/// The request by which a client sends a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresignedPart {
    /// From 1.
    pub number: u32,
    /// Bytes.
    pub size: u64,
    /// The request.
    pub request: PresignedRequest,
}

/// What the server found of a file that the client says it has sent.
#[derive(Debug, Clone)]
pub struct Completed {
    /// Names its record.
    pub file_id: FileRecordId,
    /// What was declared of it, if the job has it.
    pub file: Option<Declaration>,
    /// The checksum of what is in the store, or why the file is not there.
    pub outcome: Result<Crc64, CompletionError>,
}

/// Why a file does not count as uploaded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CompletionError {
    /// The store has nothing under its key.
    #[error("the object is not there")]
    Missing,
    /// The store has something of another size.
    #[error("the object has another size")]
    SizeMismatch,
    /// The store has other bytes.
    #[error("the object has another checksum")]
    ChecksumMismatch,
    /// The store lacks parts of it.
    #[error("parts are missing")]
    PartsMissing,
    /// It was declared anew meanwhile, or another job or session was to bring it.
    #[error("the file was declared anew")]
    Superseded,
    /// The job never had it.
    #[error("the job has no such file")]
    Unknown,
    /// The store could not be asked, or refused.
    #[error("the object store failed")]
    Store(#[source] Arc<ObjectError>),
    /// The store does not tell what it holds well enough to compare.
    #[error("the object store tells no checksum")]
    Unverifiable,
}

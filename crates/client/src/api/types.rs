use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize, Serializer};
use tenantry_sync::RunState;
use tenantry_sync::objects::{Crc64, RelativePath};
use uuid::Uuid;

/// What a new job is for.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct NewDirect<'a> {
    /// Whose files they are.
    pub project_id: Uuid,
    /// The round of its work that they belong to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cycle_id: Option<Uuid>,
    /// What their keys begin with, below the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3_prefix: Option<&'a str>,
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct JobStatus {
    /// Names the job.
    pub job_id: Uuid,
    /// queued, started, finished, failed or cancelled.
    #[serde(deserialize_with = "state")]
    pub status: RunState,
    /// Files that were declared.
    pub total_files: u64,
    /// Files that were uploaded.
    pub files_uploaded: u64,
    /// Files that were in the store already.
    pub files_skipped: u64,
    /// Files that are not in the store.
    pub files_failed: u64,
    /// Why it was given up.
    pub error: Option<String>,
}

fn state<'d, D: serde::Deserializer<'d>>(deserializer: D) -> Result<RunState, D::Error> {
    let name = String::deserialize(deserializer)?;
    name.parse().map_err(serde::de::Error::custom)
}

/// A file that is to be in the store.
#[derive(Debug, Clone, Copy)]
pub struct DeclaredFile<'a> {
    /// Where it is.
    pub path: &'a RelativePath,
    /// Bytes.
    pub size: u64,
    /// Their checksum.
    pub crc64nvme: Crc64,
}

impl Serialize for DeclaredFile<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct View<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            path: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            path_base64: Option<String>,
            size: u64,
            crc64nvme: Written<Crc64>,
        }
        // What is no name to type is told by its bytes.
        let path = str::from_utf8(self.path.as_bytes()).ok().filter(|path| !path.contains(char::is_control));
        let path_base64 = path.is_none().then(|| BASE64_STANDARD.encode(self.path.as_bytes()));
        View { path, path_base64, size: self.size, crc64nvme: Written(self.crc64nvme) }.serialize(serializer)
    }
}

/// A part of a file that is to be sent.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct DeclaredPart {
    /// From 1 on.
    pub number: u32,
    /// The checksum of its bytes.
    #[serde(serialize_with = "written")]
    pub crc64nvme: Crc64,
}

/// Something that is sent as it is written for people.
struct Written<T>(T);

impl<T: fmt::Display> Serialize for Written<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

fn written<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// What is to be done about a file that was declared.
#[derive(Debug, Clone, Deserialize)]
pub struct Instruction {
    /// Names the file in this job.
    pub file_id: Option<Uuid>,
    /// What to do.
    pub action: Action,
    /// For [`Action::Put`]: the request.
    pub request: Option<Request>,
    /// For [`Action::Multipart`]: bytes of every part but the last.
    pub part_size: Option<u64>,
    /// For [`Action::Multipart`]: the parts that the store has.
    pub parts_done: Option<Vec<u32>>,
    /// For [`Action::Tus`]: where to.
    pub upload_url: Option<String>,
    /// For [`Action::Error`]: why.
    pub error: Option<String>,
}

/// What is to be done about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing: the store has it.
    Skip,
    /// It is sent whole, by one request to the store.
    Put,
    /// It is sent in parts, by requests to the store.
    Multipart,
    /// It is sent to the server.
    Tus,
    /// It is declared again after a while.
    Later,
    /// It can't be taken.
    Error,
}

/// A request that whoever has it may send.
#[derive(Debug, Clone, Deserialize)]
pub struct Request {
    /// How.
    pub method: String,
    /// Where to.
    pub url: String,
    /// The headers that must be sent along, exactly so.
    pub headers: Vec<Header>,
}

/// A header of a request.
#[derive(Debug, Clone, Deserialize)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// The requests by which parts are sent.
#[derive(Debug, Clone, Deserialize)]
pub struct PartUrls {
    /// One for each part.
    pub data: Vec<PresignedPart>,
}

/// The request by which a part is sent.
#[derive(Debug, Clone, Deserialize)]
pub struct PresignedPart {
    /// Which part.
    pub number: u32,
    /// Its bytes.
    pub size: u64,
    /// How it is sent.
    pub request: Request,
}

/// What became of a file that was sent.
#[derive(Debug, Clone, Deserialize)]
pub struct Completed {
    /// Which file.
    pub file_id: Uuid,
    /// Whether it is in the store.
    pub status: FileStatus,
    /// Why not.
    pub error: Option<FileError>,
}

/// Whether a file is in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileStatus {
    /// It is, with the bytes that were declared.
    Uploaded,
    /// It is not, and may be sent again.
    Pending,
}

/// Why a file is not in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum FileError {
    /// Nothing is there.
    #[error("the store does not have it")]
    Missing,
    /// Something of another size is there.
    #[error("the store has another size")]
    SizeMismatch,
    /// Something else of this size is there.
    #[error("the store has another checksum")]
    ChecksumMismatch,
    /// The store lacks parts.
    #[error("the store lacks parts of it")]
    PartsMissing,
    /// It was declared again since, with other bytes.
    #[error("another upload was faster")]
    Superseded,
    /// The job does not know it.
    #[error("the server does not know it")]
    Unknown,
    /// The store failed.
    #[error("the store failed")]
    StoreFailed,
    /// Something that this client does not know.
    #[serde(other)]
    #[error("the server could not confirm it")]
    Other,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn declared(path: &[u8]) -> serde_json::Value {
        let path = RelativePath::parse(path).unwrap();
        serde_json::to_value(DeclaredFile { path: &path, size: 9, crc64nvme: Crc64::of(b"123456789") }).unwrap()
    }

    #[test]
    fn u8_a_file_is_declared_by_the_bytes_of_its_path() {
        assert_eq!(declared("a/\u{e9}".as_bytes()), json!({"path": "a/é", "size": 9, "crc64nvme": "rosUhgp5mIg="}));
        assert_eq!(declared(b"a\n"), json!({"path_base64": "YQo=", "size": 9, "crc64nvme": "rosUhgp5mIg="}));
        assert_eq!(declared(b"a/\xff"), json!({"path_base64": "YS//", "size": 9, "crc64nvme": "rosUhgp5mIg="}));
    }

    #[test]
    fn u8_errors_of_newer_servers_are_errors() {
        let completed = |error: &str| {
            let answer = json!({"file_id": Uuid::nil(), "path": "a", "status": "pending", "size": 1, "error": error});
            serde_json::from_value::<Completed>(answer).unwrap().error.unwrap()
        };
        assert_eq!(completed("size_mismatch"), FileError::SizeMismatch);
        assert_eq!(completed("moon_phase"), FileError::Other);
    }
}

use serde::{Serialize, Serializer};
use tenantry_sync::WarningKind;
use tenantry_sync::objects::RelativePath;
use uuid::Uuid;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// What happens while a folder is sent, in the order in which it happens.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event<'a> {
    /// A job has begun.
    Started {
        /// Names it.
        job_id: Uuid,
    },
    /// Something is final about a file.
    File {
        /// Which.
        #[serde(flatten)]
        path: Path<'a>,
        /// What became of it.
        status: Outcome,
        /// Bytes.
        size: u64,
        /// Why it failed.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'a str>,
    },
    /// How far it is; told now and then.
    Progress(Counts),
    /// Something that people should know of a file.
    Warning {
        /// What it is about.
        kind: WarningKind,
        /// Which file or folder.
        #[serde(flatten)]
        path: Path<'a>,
    },
    /// A pass was given up, and is tried again later.
    Trouble {
        /// Why.
        error: &'a str,
    },
    /// The folder was sent once.
    Done {
        /// The job, if there was one.
        job_id: Option<Uuid>,
        /// What came of it.
        #[serde(flatten)]
        counts: Counts,
    },
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was sent, and the server found it in the store.
    Uploaded,
    /// The store had it.
    Skipped,
    /// It is not in the store.
    Failed,
}

/// The path of a file below the folder: bytes that are not UTF-8 are replaced, and told in base64 as well.
#[derive(Debug, Clone, Copy)]
pub struct Path<'a>(pub &'a RelativePath);

impl Serialize for Path<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct View<'a> {
            path: std::borrow::Cow<'a, str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            path_base64: Option<String>,
        }
        let path = String::from_utf8_lossy(self.0.as_bytes());
        let path_base64 = matches!(path, std::borrow::Cow::Owned(_)).then(|| BASE64_STANDARD.encode(self.0.as_bytes()));
        View { path, path_base64 }.serialize(serializer)
    }
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Whether the whole folder was looked through, so that the totals are final.
    pub scanned: bool,
    /// Files that were found.
    pub total_files: u64,
    /// Their bytes.
    pub total_bytes: u64,
    /// Files that were sent.
    pub files_uploaded: u64,
    /// Files that were in the store already.
    pub files_skipped: u64,
    /// Files that could not be sent, or not even be read.
    pub files_failed: u64,
    /// Bytes that were sent.
    pub bytes_uploaded: u64,
    /// Bytes of files that were in the store already.
    pub bytes_skipped: u64,
}

/// Tells somebody what happens.
pub trait Reporter: Send + Sync {
    /// It has happened.
    fn tell(&self, event: &Event<'_>);
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};

    use super::*;

    #[test]
    fn u8_an_event_is_one_flat_object() {
        let path = RelativePath::parse(b"a/\xff").unwrap();
        let event = Event::File { path: Path(&path), status: Outcome::Failed, size: 3, error: Some("e") };
        let expected = json!({"event": "file", "path": "a/\u{fffd}", "path_base64": "YS//", "status": "failed", "size": 3, "error": "e"});
        assert_eq!(to_value(event).unwrap(), expected);
        let path = RelativePath::parse(b"a").unwrap();
        let event = Event::Warning { kind: WarningKind::Symlink, path: Path(&path) };
        assert_eq!(to_value(event).unwrap(), json!({"event": "warning", "kind": "symlink", "path": "a"}));
        let done = to_value(Event::Done { job_id: None, counts: Counts::default() }).unwrap();
        assert_eq!((&done["event"], &done["job_id"], &done["total_files"]), (&json!("done"), &json!(null), &json!(0)));
        assert_eq!(to_value(Event::Progress(Counts::default())).unwrap()["event"], "progress");
    }
}

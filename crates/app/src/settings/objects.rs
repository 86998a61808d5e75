use std::path::{Path, PathBuf};

use serde::Deserialize;
use url::Url;

use super::SettingsError;
use super::parse::optional_text;

/// Where objects are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum ObjectsKind {
    /// In a folder of this machine.
    Directory,
    /// In buckets of Amazon S3, or of a store that speaks its protocol.
    S3,
}

impl TryFrom<String> for ObjectsKind {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        match name.as_str() {
            "directory" => Ok(Self::Directory),
            "s3" => Ok(Self::S3),
            _ => Err("must be directory or s3"),
        }
    }
}

/// Section `objects`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectsSettings {
    pub kind: ObjectsKind,
    #[serde(deserialize_with = "optional_text")]
    directory: Option<String>,
    #[serde(deserialize_with = "optional_text")]
    pub bucket: Option<String>,
    #[serde(deserialize_with = "optional_text")]
    pub endpoint: Option<String>,
    #[serde(deserialize_with = "optional_text")]
    pub region: Option<String>,
    pub path_style: bool,
    #[serde(deserialize_with = "optional_text")]
    pub storage_class: Option<String>,
    #[serde(deserialize_with = "optional_text")]
    pub encryption: Option<String>,
    #[serde(deserialize_with = "optional_text")]
    pub kms_key_id: Option<String>,
    pub checksum: String,
    pub sign_bodies: bool,
}

impl ObjectsSettings {
    /// Where objects are stored on this machine.
    #[must_use]
    pub fn directory(&self, data: &Path) -> PathBuf {
        self.directory.as_ref().map_or_else(|| data.join("objects"), PathBuf::from)
    }

    /// Whether that folder is the operator's own, who sees to it that it is there: one that is missing is a disk that is
    /// not mounted.
    #[must_use]
    pub fn has_own_directory(&self) -> bool {
        self.directory.is_some()
    }

    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        if self.kind == ObjectsKind::S3 && self.bucket.is_none() {
            return Err(SettingsError::invalid("objects.bucket", "is missing, and objects.kind is s3"));
        }
        if let Some(text) = &self.endpoint
            && !Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        {
            return Err(SettingsError::invalid(
                "objects.endpoint",
                format!("must be http(s)://host[:port], not {text:?}"),
            ));
        }
        if !matches!(self.encryption.as_deref(), None | Some("AES256" | "aws:kms")) {
            return Err(SettingsError::invalid("objects.encryption", "must be AES256, aws:kms or empty"));
        }
        if !matches!(self.checksum.as_str(), "crc64nvme" | "md5") {
            return Err(SettingsError::invalid("objects.checksum", "must be crc64nvme or md5"));
        }
        Ok(())
    }
}

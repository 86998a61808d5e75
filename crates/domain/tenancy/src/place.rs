//! Where the objects of a project are stored.

use tenantry_kernel::{TextError, parse_text};

/// The name of a bucket: 3 to 63 of `a`–`z`, `0`–`9`, `.` and `-`, as object stores have it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BucketName(String);

/// A text is not the name of a bucket. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 3 to 63 lower-case letters, digits, dots and hyphens, and begin and end with a letter or digit")]
pub struct BucketNameError;

impl BucketName {
    /// Parses `raw`, trimmed.
    ///
    /// # Errors
    /// [`BucketNameError`].
    pub fn parse(raw: &str) -> Result<Self, BucketNameError> {
        let name = raw.trim();
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_name = (3..=63).contains(&name.len())
            && name.bytes().all(|byte| is_plain(byte) || matches!(byte, b'.' | b'-'))
            && name.bytes().next().is_some_and(is_plain)
            && name.bytes().next_back().is_some_and(is_plain)
            && !name.contains("..");
        if is_name { Ok(Self(name.to_owned())) } else { Err(BucketNameError) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the keys of a project's objects begin with: a path of 1 to 255 characters that leads nowhere but down.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StoragePrefix(String);

/// Why a prefix was refused. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoragePrefixError {
    /// Too long, or a character that has no place in a key.
    #[error(transparent)]
    Text(#[from] TextError),
    /// A segment is missing, or leads elsewhere.
    #[error("must be a path without empty segments, '.', '..' and backslashes")]
    Path,
}

impl StoragePrefix {
    /// The most characters.
    pub const MAX: usize = 255;

    /// Parses `raw`, trimmed.
    ///
    /// # Errors
    /// [`StoragePrefixError`].
    pub fn parse(raw: &str) -> Result<Self, StoragePrefixError> {
        let prefix = parse_text(raw, 1, Self::MAX)?;
        let leads_down = |segment: &str| !matches!(segment, "" | "." | "..");
        let is_path = prefix.split('/').all(leads_down) && !prefix.contains(['\\', '\t', '\r', '\n']);
        if is_path { Ok(Self(prefix)) } else { Err(StoragePrefixError::Path) }
    }

    /// The prefix.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_named_as_object_stores_have_it() {
        assert_eq!(BucketName::parse(" photos.2026-q1 ").unwrap().as_str(), "photos.2026-q1");
        for raw in ["", "ab", "Photos", "a..b", "-ab", "ab-", "a_b", &"a".repeat(64)] {
            assert_eq!(BucketName::parse(raw), Err(BucketNameError), "{raw}");
        }
    }

    #[test]
    fn a_prefix_leads_nowhere_but_down() {
        assert_eq!(StoragePrefix::parse("raw/2026 spring").unwrap().as_str(), "raw/2026 spring");
        for raw in ["/a", "a/", "a//b", "../a", "a/./b", "a\\b", "a\nb"] {
            assert_eq!(StoragePrefix::parse(raw), Err(StoragePrefixError::Path), "{raw:?}");
        }
        assert!(matches!(StoragePrefix::parse(&"a".repeat(256)), Err(StoragePrefixError::Text(_))));
        assert!(matches!(StoragePrefix::parse(" "), Err(StoragePrefixError::Text(_))));
    }
}

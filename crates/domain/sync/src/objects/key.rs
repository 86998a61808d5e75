use std::fmt;

use crate::objects::RelativePath;

/// The name of an object: 1 to 1,024 bytes of UTF-8 without control characters, empty segments, `.` and `..`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(Box<str>);

/// Why something can't be an object's key. The message fits after the name of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is longer than object stores allow.
    #[error("has a key of more than 1,024 bytes")]
    TooLong,
    /// A segment is missing, or leads elsewhere, or a character has no place in a key.
    #[error("is no path that leads nowhere but down")]
    Path,
}

impl ObjectKey {
    /// The most bytes, as Amazon S3 has it.
    pub const MAX_BYTES: usize = 1_024;

    /// Takes a key as it is.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn parse(key: &str) -> Result<Self, KeyError> {
        if key.len() > Self::MAX_BYTES {
            return Err(KeyError::TooLong);
        }
        let leads_down = |segment: &str| !matches!(segment, "" | "." | "..");
        let is_path = key.split('/').all(leads_down) && !key.contains(char::is_control);
        if is_path { Ok(Self(key.into())) } else { Err(KeyError::Path) }
    }

    /// The key of the file at `path` below `prefix`.
    ///
    /// Bytes that are not UTF-8 and control characters, which listings could not show, are written as `%` and two
    /// hexadecimal digits; so is a `%` that could be taken for one of these. [`ObjectKey::path_below`] undoes it.
    ///
    /// # Errors
    /// [`KeyError::TooLong`]; [`KeyError::Path`] for a bad prefix.
    pub fn below(prefix: &str, path: &RelativePath) -> Result<Self, KeyError> {
        let bytes = path.as_bytes();
        let mut key = String::with_capacity(prefix.len() + 1 + bytes.len());
        key.push_str(prefix);
        if !prefix.is_empty() {
            key.push('/');
        }
        escape(bytes, &mut key);
        Self::parse(&key)
    }

    /// The path of the file that has this key below `prefix`; none if it is not below it.
    #[must_use]
    pub fn path_below(&self, prefix: &str) -> Option<RelativePath> {
        let rest = self.0.strip_prefix(prefix)?;
        let rest = if prefix.is_empty() { rest } else { rest.strip_prefix('/')? };
        RelativePath::parse(&unescape(rest.as_bytes()))
    }

    /// A key that was stored.
    #[must_use]
    pub fn from_stored(key: String) -> Self {
        Self(key.into())
    }

    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn escape(bytes: &[u8], key: &mut String) {
    let mut rest = bytes;
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            let after = rest.get(character.len_utf8()..).unwrap_or_default();
            if character == '%' && is_escape(after) {
                key.push_str("%25");
            } else if character.is_control() {
                let mut buffer = [0; 4];
                character.encode_utf8(&mut buffer).bytes().for_each(|byte| push_escaped(byte, key));
            } else {
                key.push(character);
            }
            rest = after;
        }
        chunk.invalid().iter().for_each(|byte| push_escaped(*byte, key));
        rest = rest.get(chunk.invalid().len()..).unwrap_or_default();
    }
}

fn push_escaped(byte: u8, key: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    key.push('%');
    for digit in [byte >> 4, byte & 0xf] {
        key.push(DIGITS.get(usize::from(digit)).copied().map_or('0', char::from));
    }
}

/// Whether what follows a `%` makes it look like an escaped byte.
fn is_escape(after: &[u8]) -> bool {
    matches!(after, [high, low, ..] if digit(*high).is_some() && digit(*low).is_some())
}

/// The value of a digit as [`push_escaped`] writes it.
fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

fn unescape(mut key: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(key.len());
    while let [first, rest @ ..] = key {
        key = rest;
        if let (b'%', [high, low, rest @ ..]) = (first, rest)
            && let (Some(high), Some(low)) = (digit(*high), digit(*low))
        {
            bytes.push(high << 4 | low);
            key = rest;
        } else {
            bytes.push(*first);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(bytes: &[u8]) -> RelativePath {
        RelativePath::parse(bytes).unwrap()
    }

    #[test]
    fn plain_names_stay_as_they_are() {
        for name in ["a/b.txt", "100%.txt", "50% off", "été", "a%zz", "%4", "%ff"] {
            assert_eq!(ObjectKey::below("p/q", &path(name.as_bytes())).unwrap().as_str(), format!("p/q/{name}"));
        }
        assert_eq!(ObjectKey::below("", &path(b"a")).unwrap().as_str(), "a");
    }

    #[test]
    fn what_listings_could_not_show_is_escaped() {
        for (name, key) in [
            (&b"a\xff"[..], "a%FF"),
            (b"a\nb", "a%0Ab"),
            (b"%41", "%2541"),
            ("\u{85}".as_bytes(), "%C2%85"),
            (b"\xe9%FF\x80", "%E9%25FF%80"),
            (b"%\xff", "%%FF"),
        ] {
            assert_eq!(ObjectKey::below("", &path(name)).unwrap().as_str(), key);
            assert_eq!(ObjectKey::parse(key).unwrap().path_below(""), Some(path(name)), "{key}");
        }
    }

    #[test]
    fn keys_have_limits() {
        assert_eq!(ObjectKey::below("p", &path(&[b'a'; 1_023])), Err(KeyError::TooLong));
        assert!(ObjectKey::below("p", &path(&[b'a'; 1_022])).is_ok());
        assert_eq!(ObjectKey::below("p/..", &path(b"a")), Err(KeyError::Path));
        for key in ["", "/a", "a/", "a//b", "a/./b", "a\nb"] {
            assert_eq!(ObjectKey::parse(key), Err(KeyError::Path), "{key:?}");
        }
        assert_eq!(ObjectKey::parse("pq/a").unwrap().path_below("p"), None);
    }

    proptest! {
        #[test]
        fn every_path_comes_back(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'%'), Just(b'A'), Just(b'2')], 1..40)) {
            if let Some(path) = RelativePath::parse(&bytes) {
                let key = ObjectKey::below("some/prefix", &path).unwrap();
                prop_assert_eq!(key.path_below("some/prefix"), Some(path));
            }
        }
    }
}

use std::fmt;

/// The path of a file below the folder that is synced: the bytes that the file system has, `/` between the segments.
///
/// Any bytes but zero, without empty segments, `.` and `..`. It need not be UTF-8; written for people, bytes that are
/// none are replaced.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelativePath(Box<[u8]>);

impl RelativePath {
    /// Takes a path that leads nowhere but down.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let leads_down = |segment: &[u8]| !matches!(segment, b"" | b"." | b"..") && !segment.contains(&0);
        bytes.split(|byte| *byte == b'/').all(leads_down).then(|| Self(bytes.into()))
    }

    /// The same, of a text that people may have typed: control characters have no place in it.
    #[must_use]
    pub fn parse_text(text: &str) -> Option<Self> {
        if text.contains(char::is_control) { None } else { Self::parse(text.as_bytes()) }
    }

    /// A path that was stored.
    #[must_use]
    pub fn from_stored(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for RelativePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_nowhere_but_down() {
        for path in ["a", "a/b.txt", "..a/b..", "a b/\u{e9}"] {
            assert_eq!(RelativePath::parse(path.as_bytes()).unwrap().to_string(), path);
        }
        assert!(RelativePath::parse(b"a/\xff").is_some());
        for path in ["", "/a", "a/", "a//b", ".", "a/../b", "a\0b"] {
            assert_eq!(RelativePath::parse(path.as_bytes()), None, "{path:?}");
            assert_eq!(RelativePath::parse_text(path), None, "{path:?}");
        }
        assert!(RelativePath::parse(b"a\nb").is_some());
        assert_eq!(RelativePath::parse_text("a\nb"), None);
        assert!(RelativePath::parse_text("a/\u{e9} b").is_some());
    }
}

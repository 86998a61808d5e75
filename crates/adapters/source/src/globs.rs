use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// Patterns for paths, written as in a `.gitignore` file, of which the last that matches decides.
#[derive(Debug, Clone)]
pub struct Globs(Gitignore);

/// Patterns that can't be. The message fits after the name of a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// There are too many.
    #[error("has more than {} patterns", Globs::MAX_PATTERNS)]
    TooMany,
    /// One is too long.
    #[error("has a pattern of more than {} bytes: the one that begins with {beginning:?}", Globs::MAX_BYTES)]
    TooLong {
        /// By which to find it.
        beginning: String,
    },
    /// One is no pattern.
    #[error("has the pattern {pattern:?}, which is none: {reason}")]
    Malformed {
        /// As it was written.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Each is fine, but they are too much together.
    #[error("has patterns that are too much together: {0}")]
    TooComplex(String),
}

/// What patterns say of a path itself, whatever they say of the folders that it lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Matches,
    /// A pattern that begins with `!` takes it out.
    TakenOut,
    NoWord,
}

impl Globs {
    /// The most patterns.
    pub const MAX_PATTERNS: usize = 1_000;
    /// The most bytes of each.
    pub const MAX_BYTES: usize = 1_024;

    /// Takes patterns in their order. Empty ones and those that begin with `#` count for nothing.
    ///
    /// # Errors
    /// [`GlobError`], which names the pattern.
    pub fn parse(patterns: &[String]) -> Result<Self, GlobError> {
        if patterns.len() > Self::MAX_PATTERNS {
            return Err(GlobError::TooMany);
        }
        let mut builder = GitignoreBuilder::new("");
        // Better refused than matched to the letter, which nobody means.
        builder.allow_unclosed_class(false);
        for pattern in patterns {
            add(&mut builder, pattern)?;
        }
        builder.build().map(Self).map_err(|error| GlobError::TooComplex(error.to_string()))
    }

    /// Whether there is no pattern.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn judge(&self, path: &[u8], is_folder: bool) -> Verdict {
        match self.0.matched(Path::new(OsStr::from_bytes(path)), is_folder) {
            Match::Ignore(_) => Verdict::Matches,
            Match::Whitelist(_) => Verdict::TakenOut,
            Match::None => Verdict::NoWord,
        }
    }
}

impl Default for Globs {
    fn default() -> Self {
        Self(Gitignore::empty())
    }
}

fn add(builder: &mut GitignoreBuilder, pattern: &str) -> Result<(), GlobError> {
    if pattern.len() > Globs::MAX_BYTES {
        return Err(GlobError::TooLong { beginning: pattern.chars().take(40).collect() });
    }
    let malformed = |reason| GlobError::Malformed { pattern: pattern.to_owned(), reason };
    if pattern.contains(['\0', '\n', '\r']) {
        return Err(malformed("a name holds no such character".to_owned()));
    }
    match builder.add_line(None, pattern) {
        Ok(_) => Ok(()),
        Err(ignore::Error::Glob { err, .. }) => Err(malformed(err)),
        Err(other) => Err(malformed(other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn globs(patterns: &[&str]) -> Result<Globs, GlobError> {
        Globs::parse(&patterns.iter().map(|&pattern| pattern.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn they_match_as_git_does() {
        let patterns = globs(&["*.log", "!keep.log", "/top", "build/", "a/**/z", "# no pattern", "", "\\#x"]).unwrap();
        let judge = |path: &str, is_folder| patterns.judge(path.as_bytes(), is_folder);
        for path in ["x.log", "a/b/x.log", "top", "a/z", "a/b/c/z", "#x"] {
            assert_eq!(judge(path, false), Verdict::Matches, "{path}");
        }
        for path in ["x.logs", "a/top", "build", "b/a/z", "# no pattern", "X.LOG"] {
            assert_eq!(judge(path, false), Verdict::NoWord, "{path}");
        }
        assert_eq!(judge("a/keep.log", false), Verdict::TakenOut);
        assert_eq!(judge("a/build", true), Verdict::Matches);
        assert_eq!(patterns.judge(b"a/\xff.log", false), Verdict::Matches);
        assert!(Globs::default().is_empty());
    }

    #[test]
    fn a_bad_pattern_is_named() {
        let error = globs(&["fine", "a[b"]).unwrap_err();
        assert!(error.to_string().starts_with("has the pattern \"a[b\", which is none: "), "{error}");
        assert!(matches!(globs(&["{a,b"]), Err(GlobError::Malformed { .. })));
        assert!(matches!(globs(&["a\nb"]), Err(GlobError::Malformed { .. })));
        let long = "x".repeat(1_025);
        assert_eq!(globs(&[&long]).unwrap_err(), GlobError::TooLong { beginning: "x".repeat(40) });
        assert!(globs(&[&long[1..]]).is_ok());
        assert_eq!(globs(&["x"; 1_001]).unwrap_err(), GlobError::TooMany);
        assert!(globs(&["x"; 1_000]).is_ok());
    }
}

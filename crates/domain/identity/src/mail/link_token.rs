use std::fmt;

use serde::{Deserialize, Serialize};

/// What a mailed link proves that its mail was read with: 256 random bits, as 43 characters of base64url.
///
/// Only its hash is stored. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkToken(String);

/// A text that no token looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not the token of a link")]
pub struct InvalidLinkToken;

impl LinkToken {
    /// The number of characters.
    pub const LENGTH: usize = 43;

    /// The token that somebody sends, which need not be one that was ever made.
    ///
    /// # Errors
    /// [`InvalidLinkToken`] when it does not even look like one.
    pub fn parse(raw: &str) -> Result<Self, InvalidLinkToken> {
        let fits = |character: u8| character.is_ascii_alphanumeric() || matches!(character, b'-' | b'_');
        if raw.len() == Self::LENGTH && raw.bytes().all(fits) {
            Ok(Self(raw.to_owned()))
        } else {
            Err(InvalidLinkToken)
        }
    }

    /// The token, to be put into a link or to be hashed.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for LinkToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LinkToken([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_looks_like_one_is_one() {
        let good = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN-_0";
        assert_eq!(LinkToken::parse(good).unwrap().expose(), good);
        for bad in ["", &good[1..], &format!("{good}x"), &good.replace('a', " "), &format!("é{}", &good[2..])] {
            assert_eq!(LinkToken::parse(bad), Err(InvalidLinkToken), "{bad}");
        }
    }

    #[test]
    fn is_not_shown() {
        let token = LinkToken::parse(&"x".repeat(43)).unwrap();
        assert!(!format!("{token:?}").contains("xx"));
    }
}

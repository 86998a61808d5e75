use std::fmt;

/// A password that someone wants to use: 8 to 256 characters, taken as it is (not trimmed), without NUL.
#[derive(Clone)]
pub struct Password(String);

/// A password that someone signs in with: anything at all, since it only has to match.
#[derive(Clone)]
pub struct PasswordAttempt(String);

/// What is stored of a password, in the self-describing form of its scheme.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// Why a password was refused before its strength was looked at. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too short or too long.
    #[error("must have 8 to 256 characters")]
    Length,
    /// A NUL character, which hashing schemes treat as an end.
    #[error("must not contain NUL")]
    Nul,
}

impl Password {
    /// The fewest characters.
    pub const MIN: usize = 8;
    /// The most characters.
    pub const MAX: usize = 256;

    /// Parses `raw` as it is.
    ///
    /// # Errors
    /// [`PasswordError`] says which rule was broken.
    pub fn parse(raw: &str) -> Result<Self, PasswordError> {
        if !(Self::MIN..=Self::MAX).contains(&raw.chars().count()) {
            return Err(PasswordError::Length);
        }
        if raw.contains('\0') {
            return Err(PasswordError::Nul);
        }
        Ok(Self(raw.to_owned()))
    }

    /// The password in clear, for hashing only.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl PasswordAttempt {
    /// The attempt as typed.
    #[must_use]
    pub fn new(raw: String) -> Self {
        Self(raw)
    }

    /// The attempt in clear, for verification only.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl PasswordHash {
    /// The hash as it was stored.
    #[must_use]
    pub fn from_stored(encoded: String) -> Self {
        Self(encoded)
    }

    /// The text to store.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! redacted_debug {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(concat!(stringify!($name), "(redacted)"))
            }
        }
    )*};
}

redacted_debug!(Password, PasswordAttempt, PasswordHash);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_taken_as_it_is() {
        assert_eq!(Password::parse("  spaces  ").unwrap().expose(), "  spaces  ");
        assert!(matches!(Password::parse("short"), Err(PasswordError::Length)));
        assert!(matches!(Password::parse(&"x".repeat(257)), Err(PasswordError::Length)));
        assert!(matches!(Password::parse("nul\0inside"), Err(PasswordError::Nul)));
    }

    #[test]
    fn never_shows_itself() {
        let password = Password::parse("hunter2hunter2").unwrap();
        assert_eq!(format!("{password:?}"), "Password(redacted)");
    }
}

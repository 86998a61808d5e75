use std::fmt;

use zxcvbn::Score;

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

/// A password is too easy to guess. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// One of the passwords and words that are tried first.
    #[error("is a common password")]
    Common,
    /// The e-mail address or the username.
    #[error("must not be the e-mail address or username")]
    Personal,
    /// The password so far.
    #[error("must not be the current password")]
    Unchanged,
    /// Too few estimated guesses.
    #[error("is too easy to guess")]
    Guessable,
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

/// How hard to guess a password has to be, by the estimate of zxcvbn (Wheeler, USENIX Security 2016).
#[derive(Debug, Clone, Copy)]
pub struct PasswordPolicy {
    min_score: u8,
}

impl PasswordPolicy {
    /// A policy that asks for at least `min_score`, 0 (anything) to 4 (more than 10^10 guesses); more counts as 4.
    #[must_use]
    pub fn new(min_score: u8) -> Self {
        Self { min_score: min_score.min(4) }
    }

    /// Checks `password` for an account with this e-mail address and username. Slow (milliseconds), so it belongs
    /// where hashing does.
    ///
    /// # Errors
    /// [`WeakPassword`] says why it is too weak.
    pub fn check(&self, password: &Password, email: &str, username: &str) -> Result<(), WeakPassword> {
        let folded = password.0.to_lowercase();
        if folded == email.to_lowercase() || folded == username.to_lowercase() {
            return Err(WeakPassword::Personal);
        }
        let estimate = zxcvbn::zxcvbn(&password.0, &[email, username]);
        if is_one_listed_word(&estimate, &password.0) {
            return Err(WeakPassword::Common);
        }
        if score_number(estimate.score()) < self.min_score {
            return Err(WeakPassword::Guessable);
        }
        Ok(())
    }
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self::new(1)
    }
}

/// Whether the whole password is a single entry of the lists of common passwords, names and words.
fn is_one_listed_word(estimate: &zxcvbn::Entropy, password: &str) -> bool {
    use zxcvbn::matching::patterns::MatchPattern;
    match estimate.sequence() {
        [only] => matches!(only.pattern, MatchPattern::Dictionary(_)) && only.token.len() == password.len(),
        _ => false,
    }
}

fn score_number(score: Score) -> u8 {
    match score {
        Score::Zero => 0,
        Score::One => 1,
        Score::Two => 2,
        Score::Three => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(raw: &str) -> Result<(), WeakPassword> {
        PasswordPolicy::default().check(&Password::parse(raw).unwrap(), "ada@example.com", "ada-lovelace")
    }

    #[test]
    fn is_taken_as_it_is() {
        assert_eq!(Password::parse("  spaces  ").unwrap().expose(), "  spaces  ");
        assert!(matches!(Password::parse("short"), Err(PasswordError::Length)));
        assert!(matches!(Password::parse(&"x".repeat(257)), Err(PasswordError::Length)));
        assert!(matches!(Password::parse("nul\0inside"), Err(PasswordError::Nul)));
    }

    #[test]
    fn c11_common_and_personal_passwords_are_weak() {
        assert_eq!(verdict("password"), Err(WeakPassword::Common));
        assert_eq!(verdict("iloveyou"), Err(WeakPassword::Common));
        assert_eq!(verdict("Password1"), Err(WeakPassword::Common));
        assert_eq!(verdict("aaaaaaaa"), Err(WeakPassword::Guessable));
        assert_eq!(verdict("ADA@example.com"), Err(WeakPassword::Personal));
        assert_eq!(verdict("Ada-Lovelace"), Err(WeakPassword::Personal));
        assert_eq!(verdict("SecurePass123!"), Ok(()));
        assert_eq!(verdict("correct horse battery staple"), Ok(()));
    }

    #[test]
    fn never_shows_itself() {
        let password = Password::parse("hunter2hunter2").unwrap();
        assert_eq!(format!("{password:?}"), "Password(redacted)");
    }
}

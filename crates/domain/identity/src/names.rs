use tenantry_kernel::text_value;

use crate::Email;

text_value! {
    /// A person's name, 1 to 255 characters.
    FullName, 1..=255
}

/// A sign-in name: 3 to 100 of letters, digits, `.`, `_` and `-`, unique without regard to case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username(String);

/// Why a username was refused. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UsernameError {
    /// Too short or too long.
    #[error("must have 3 to 100 characters")]
    Length,
    /// Something other than a letter, a digit, `.`, `_` or `-`.
    #[error("must consist of letters, digits, '.', '_' and '-'")]
    Character,
}

impl Username {
    /// The fewest characters.
    pub const MIN: usize = 3;
    /// The most characters.
    pub const MAX: usize = 100;

    /// Parses `raw`, trimmed.
    ///
    /// # Errors
    /// [`UsernameError`] says which rule was broken.
    pub fn parse(raw: &str) -> Result<Self, UsernameError> {
        let name = raw.trim();
        if !(Self::MIN..=Self::MAX).contains(&name.chars().count()) {
            return Err(UsernameError::Length);
        }
        if !name.chars().all(is_username_character) {
            return Err(UsernameError::Character);
        }
        Ok(Self(name.to_owned()))
    }

    /// A username made from an e-mail address, for people who chose none. `suffix` tells it from others made from
    /// the same local part.
    #[must_use]
    pub fn from_email(email: &Email, suffix: &str) -> Self {
        let stem: String = email.local_part().chars().filter(|c| is_username_character(*c)).take(60).collect();
        let stem = if stem.is_empty() { "user".to_owned() } else { stem };
        Self(format!("{stem}-{suffix}"))
    }

    /// The name as typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What two spellings of the same name have in common.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

fn is_username_character(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '.' | '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_letters_digits_and_three_signs() {
        assert_eq!(Username::parse(" Ada.L_1-x ").unwrap().key(), "ada.l_1-x");
        assert_eq!(Username::parse("ab"), Err(UsernameError::Length));
        assert_eq!(Username::parse("a b c"), Err(UsernameError::Character));
        assert_eq!(Username::parse("ada@example.com"), Err(UsernameError::Character));
    }

    #[test]
    fn a_made_name_is_a_valid_name() {
        for address in ["ada@example.com", "+@example.com", "o'neil@example.com"] {
            let made = Username::from_email(&Email::parse(address).unwrap(), "1f3a9c");
            assert_eq!(Username::parse(made.as_str()).as_ref(), Ok(&made));
        }
    }
}

use tenantry_application::ports::OneTimePasswords;
use tenantry_identity::Password;

use crate::random::{random_bytes, spell};

const GROUPS: usize = 4;
const GROUP: usize = 6;

/// One-time passwords of 24 characters in groups of six: 120 bits.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomOneTimePasswords;

impl OneTimePasswords for RandomOneTimePasswords {
    #[expect(clippy::expect_used, reason = "27 printable characters are a password")]
    fn generate(&self) -> Password {
        let groups: [[u8; GROUP]; GROUPS] = std::array::from_fn(|_| random_bytes());
        Password::parse(&groups.map(spell).join("-")).expect("27 printable characters are a password")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::random::ALPHABET;

    #[test]
    fn are_long_typeable_and_never_the_same() {
        assert_eq!(ALPHABET.iter().collect::<HashSet<_>>().len(), 32);
        let passwords: HashSet<String> =
            (0..100).map(|_| RandomOneTimePasswords.generate().expose().to_owned()).collect();
        assert_eq!(passwords.len(), 100);
        for password in passwords {
            assert_eq!(password.split('-').map(str::len).collect::<Vec<_>>(), [6; 4]);
            assert!(password.bytes().all(|byte| byte == b'-' || ALPHABET.contains(&byte)), "{password}");
        }
    }
}

//! Whether a secret can have come from a random source.

use std::collections::BTreeSet;

use secrecy::{ExposeSecret, SecretString};

use super::Profile;

const LEAST_BYTES: usize = 32;
/// 32 random hexadecimal digits have fewer different ones than this once in some hundred thousand times.
const LEAST_DIFFERENT_BYTES: usize = 8;
/// Parts of the values that examples and tutorials show.
const PLACEHOLDERS: [&str; 14] = [
    "0123456789",
    "abcdefgh",
    "change-me",
    "change_me",
    "changeme",
    "changethis",
    "default",
    "example",
    "insecure",
    "password",
    "placeholder",
    "qwerty",
    "secret",
    "your-",
];

/// Says what is weak about `secret`. Only the length matters outside production.
pub(super) fn check(secret: &SecretString, profile: Profile) -> Result<(), &'static str> {
    let text = secret.expose_secret();
    if text.len() < LEAST_BYTES {
        return Err("must have at least 32 bytes");
    }
    if !profile.is_production() {
        return Ok(());
    }
    let lower = text.to_lowercase();
    if PLACEHOLDERS.iter().any(|placeholder| lower.contains(placeholder)) {
        return Err("looks like a placeholder; production needs a random value, as of `openssl rand -base64 48`");
    }
    let different: BTreeSet<u8> = text.bytes().collect();
    if different.len() < LEAST_DIFFERENT_BYTES || repeats(text.as_bytes()) {
        return Err("has too little variety; production needs a random value, as of `openssl rand -base64 48`");
    }
    Ok(())
}

/// Whether it is one shorter text over and over.
fn repeats(bytes: &[u8]) -> bool {
    (1..=bytes.len() / 2).any(|period| {
        let (Some(early), Some(late)) = (bytes.get(..bytes.len() - period), bytes.get(period..)) else { return false };
        early == late
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_in(profile: Profile, text: &str) -> Result<(), &'static str> {
        check(&SecretString::from(text), profile)
    }

    #[test]
    fn production_wants_a_random_secret() {
        for random in [
            "vJ0m3Z5s8wXhTq1nC7yKd4Lr9pEbGf2a",
            "6e1f0c93b7a24d588a0de3f7c2b41956",
            "3JtZ0fQ9+ak/Vr6bN1xWy4sHc8mPdLuE7oGiTq2CZhU=",
        ] {
            assert_eq!(check_in(Profile::Production, random), Ok(()), "{random}");
        }
        for weak in [
            "short",
            "6e1f0c93b7a24d588a0de3f7c2b4195",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "vJ0m3Z5s8wXhTq1nvJ0m3Z5s8wXhTq1n",
            "please-CHANGEME-6e1f0c93b7a24d588a0de3f7",
            "0123456789abcdef0123456789abcdef",
        ] {
            assert!(check_in(Profile::Production, weak).is_err(), "{weak}");
        }
    }

    #[test]
    fn development_wants_length_only() {
        assert_eq!(check_in(Profile::Development, "a secret for my own machine alone"), Ok(()));
        assert!(check_in(Profile::Test, "a secret").is_err());
    }
}

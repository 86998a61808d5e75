use base64::{
    Engine, alphabet,
    engine::general_purpose::{GeneralPurpose, NO_PAD, STANDARD},
};
use bcrypt::{HashParts, Version};
use subtle::ConstantTimeEq;
use tenantry_identity::ports::Verification;

use super::{BcryptCost, COSTS, UnsupportedHash};
use crate::{mac::hmac_sha256, random::random_bytes};

/// What every hash of the scheme starts with; a bcrypt hash in modular crypt format follows.
pub(super) const PREFIX: &str = "$tenantry-bcrypt-sha256$v=1";

/// Base64 in the alphabet of bcrypt.
const BCRYPT_BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::BCRYPT, NO_PAD);

/// The scheme `bcrypt-sha256`: bcrypt over base64(HMAC-SHA-256(key = the hash's own salt, message = password)).
///
/// bcrypt alone reads 72 bytes and stops at NUL; the code before it makes a password of any length and content count
/// whole. Keyed with the salt, it differs from plain SHA-256, so leaked SHA-256 hashes can't be tried against it
/// ("password shucking"), and there is no second secret to lose. The key is the salt as it is written, 22
/// characters: the construction of passlib's `bcrypt_sha256`, version 2.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BcryptSha256 {
    cost: BcryptCost,
}

impl BcryptSha256 {
    pub(crate) fn new(cost: BcryptCost) -> Self {
        Self { cost }
    }

    /// The hash of a new password with a new salt.
    pub(crate) fn hash(self, password: &str) -> String {
        encode(&digest(password, self.cost.get(), random_bytes()))
    }

    /// A well-formed hash that was made of no password, to compare with when there is no account.
    pub(crate) fn decoy(self) -> String {
        let salt = BCRYPT_BASE64.encode(random_bytes::<16>());
        let digest = BCRYPT_BASE64.encode(random_bytes::<23>());
        format!("{PREFIX}$2b${:02}${salt}{digest}", self.cost.get())
    }

    pub(super) fn verify(self, attempt: &str, stored: &str) -> Result<Verification, UnsupportedHash> {
        let parts = decode(stored).ok_or(UnsupportedHash)?;
        let computed = digest(attempt, parts.get_cost(), parts.get_salt_raw());
        let matches = bool::from(encode(&computed).as_bytes().ct_eq(encode(&parts).as_bytes()));
        Ok(match matches {
            false => Verification::Mismatch,
            true if parts.get_cost() == self.cost.get() => Verification::Match,
            true => Verification::MatchRehash,
        })
    }
}

/// Whether the hash is well-formed and asks for no more than it may.
pub(super) fn is_supported(stored: &str) -> bool {
    decode(stored).is_some()
}

#[expect(clippy::expect_used, reason = "bcrypt fails on costs outside 4 to 31 only, and COSTS is narrower")]
fn digest(password: &str, cost: u32, salt: [u8; 16]) -> HashParts {
    let code = hmac_sha256(BCRYPT_BASE64.encode(salt).as_bytes(), password.as_bytes());
    bcrypt::hash_with_salt(STANDARD.encode(code), cost, salt).expect("the cost is within the range of bcrypt")
}

fn encode(parts: &HashParts) -> String {
    format!("{PREFIX}{}", parts.format_for_version(Version::TwoB))
}

fn decode(stored: &str) -> Option<HashParts> {
    let bcrypt = stored.strip_prefix(PREFIX)?;
    let parts = if bcrypt.starts_with("$2b$") { bcrypt.parse().ok() } else { None };
    parts.filter(|parts: &HashParts| COSTS.contains(&parts.get_cost()))
}

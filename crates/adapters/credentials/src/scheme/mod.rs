//! Password hashing schemes, as pure and slow functions; [`crate::Passwords`] runs them on the hashing threads.

mod argon2id;
mod bcrypt_sha256;
mod plain_bcrypt;

use std::num::NonZeroU32;

use tenantry_identity::ports::Verification;

pub(crate) use bcrypt_sha256::BcryptSha256;

/// The lowest and highest bcrypt cost that a stored hash may ask for. Each step doubles the time, and 15 takes two
/// seconds: a planted hash must not occupy a hashing thread for minutes.
const COSTS: std::ops::RangeInclusive<u32> = 4..=15;

/// The bcrypt cost of new hashes, as the logarithm to base 2 of its rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BcryptCost(NonZeroU32);

impl BcryptCost {
    /// The cost, if it is between 4 (for tests) and 15; 12 is the default of the settings.
    #[must_use]
    pub fn new(cost: u32) -> Option<Self> {
        NonZeroU32::new(cost).filter(|cost| COSTS.contains(&cost.get())).map(Self)
    }

    pub(crate) fn get(self) -> u32 {
        self.0.get()
    }
}

/// The most memory that a stored argon2id hash may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argon2Memory(u32);

impl Argon2Memory {
    /// So many MiB, from 1 to 4,096. Each hashing thread may use as much at the same time.
    #[must_use]
    pub fn from_mib(mib: u32) -> Option<Self> {
        (1..=4_096).contains(&mib).then_some(Self(mib * 1_024))
    }

    fn kib(self) -> u32 {
        self.0
    }
}

/// A stored hash that none of the schemes can check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored password hash is malformed, of an unknown scheme, or too expensive")]
pub(crate) struct UnsupportedHash;

/// Whether `stored` is a hash that [`verify`] would compute.
pub(crate) fn is_supported(stored: &str, most: Argon2Memory) -> bool {
    if stored.starts_with(bcrypt_sha256::PREFIX) {
        bcrypt_sha256::is_supported(stored)
    } else if stored.starts_with(argon2id::PREFIX) {
        argon2id::is_supported(stored, most)
    } else {
        plain_bcrypt::is_supported(stored)
    }
}

/// Compares `attempt` with `stored`, by whichever scheme it says. A hash that asks for too much is not computed.
pub(crate) fn verify(
    current: BcryptSha256,
    most: Argon2Memory,
    attempt: &str,
    stored: &str,
) -> Result<Verification, UnsupportedHash> {
    if stored.starts_with(bcrypt_sha256::PREFIX) {
        return current.verify(attempt, stored);
    }
    let matches = if stored.starts_with(argon2id::PREFIX) {
        argon2id::matches(attempt, stored, most)?
    } else {
        plain_bcrypt::matches(attempt, stored)?
    };
    Ok(if matches { Verification::MatchRehash } else { Verification::Mismatch })
}

#[cfg(test)]
mod tests;

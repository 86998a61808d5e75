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

/// A stored hash that none of the schemes can check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored password hash is malformed, of an unknown scheme, or too expensive")]
pub(crate) struct UnsupportedHash;

/// Compares `attempt` with `stored`, by whichever scheme it says.
pub(crate) fn verify(current: BcryptSha256, attempt: &str, stored: &str) -> Result<Verification, UnsupportedHash> {
    if stored.starts_with(bcrypt_sha256::PREFIX) {
        return current.verify(attempt, stored);
    }
    let matches = if stored.starts_with(argon2id::PREFIX) {
        argon2id::matches(attempt, stored)?
    } else {
        plain_bcrypt::matches(attempt, stored)?
    };
    Ok(if matches { Verification::MatchRehash } else { Verification::Mismatch })
}

#[cfg(test)]
mod tests;

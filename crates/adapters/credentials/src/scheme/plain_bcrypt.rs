use bcrypt::{HashParts, Version};
use subtle::ConstantTimeEq;

use super::{COSTS, UnsupportedHash};

/// Compares `attempt` with a bcrypt hash (`$2a$`, `$2b$` or `$2y$`) of an imported account.
///
/// As everywhere with plain bcrypt, only the first 72 bytes count. An attempt with NUL never matches: bcrypt repeats
/// the password with a NUL after it, so `secret` and `secret\0secret` would be the same to it.
pub(super) fn matches(attempt: &str, stored: &str) -> Result<bool, UnsupportedHash> {
    let parts = parse(stored).ok_or(UnsupportedHash)?;
    let computed = bcrypt::hash_with_salt(attempt, parts.get_cost(), parts.get_salt_raw()).or(Err(UnsupportedHash))?;
    let equal = bool::from(text(&computed).as_bytes().ct_eq(text(&parts).as_bytes()));
    Ok(equal && !attempt.contains('\0'))
}

/// Whether the hash is well-formed and asks for no more than it may.
pub(super) fn is_supported(stored: &str) -> bool {
    parse(stored).is_some()
}

fn parse(stored: &str) -> Option<HashParts> {
    // `$2x$` marks hashes of a broken implementation, which this one does not reproduce.
    if !["$2a$", "$2b$", "$2y$"].iter().any(|version| stored.starts_with(version)) {
        return None;
    }
    stored.parse().ok().filter(|parts: &HashParts| COSTS.contains(&parts.get_cost()))
}

/// One spelling for all versions, so that only salt, cost and digest are compared.
fn text(parts: &HashParts) -> String {
    parts.format_for_version(Version::TwoB)
}

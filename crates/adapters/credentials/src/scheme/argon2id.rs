use argon2::{Algorithm, Argon2, Params};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use subtle::ConstantTimeEq;

use super::{Argon2Memory, UnsupportedHash};

/// What every hash of the scheme starts with: the PHC string format, version 1.3 of Argon2 (RFC 9106).
pub(super) const PREFIX: &str = "$argon2id$v=19$";

/// The most passes over the memory.
const MAX_PASSES: u32 = 10;
/// The most lanes.
const MAX_LANES: u32 = 16;

/// Compares `attempt` with an argon2id hash of an imported account.
pub(super) fn matches(attempt: &str, stored: &str, most: Argon2Memory) -> Result<bool, UnsupportedHash> {
    let hash = parse(stored, most).ok_or(UnsupportedHash)?;
    let mut computed = vec![0; hash.digest.len()];
    Argon2::new(Algorithm::Argon2id, argon2::Version::V0x13, hash.params)
        .hash_password_into(attempt.as_bytes(), &hash.salt, &mut computed)
        .or(Err(UnsupportedHash))?;
    Ok(computed.ct_eq(&hash.digest).into())
}

/// Whether the hash is well-formed and asks for no more than it may.
pub(super) fn is_supported(stored: &str, most: Argon2Memory) -> bool {
    parse(stored, most).is_some()
}

struct Stored {
    params: Params,
    salt: Vec<u8>,
    digest: Vec<u8>,
}

fn parse(stored: &str, most: Argon2Memory) -> Option<Stored> {
    let mut fields = stored.strip_prefix(PREFIX)?.split('$');
    let (costs, salt, digest) = (fields.next()?, fields.next()?, fields.next()?);
    if fields.next().is_some() {
        return None;
    }
    let digest = STANDARD_NO_PAD.decode(digest).ok().filter(|bytes| (16..=64).contains(&bytes.len()))?;
    let salt = STANDARD_NO_PAD.decode(salt).ok().filter(|bytes| (8..=64).contains(&bytes.len()))?;
    Some(Stored { params: parse_costs(costs, digest.len(), most)?, salt, digest })
}

/// Parses `m=…,t=…,p=…`.
fn parse_costs(costs: &str, digest_length: usize, most: Argon2Memory) -> Option<Params> {
    let mut fields = costs.split(',');
    let mut field = |name, max| {
        let value: u32 = fields.next()?.strip_prefix(name)?.parse().ok()?;
        (value <= max).then_some(value)
    };
    let memory = field("m=", most.kib())?;
    let passes = field("t=", MAX_PASSES)?;
    let lanes = field("p=", MAX_LANES)?;
    if fields.next().is_some() {
        return None;
    }
    Params::new(memory, passes, lanes, Some(digest_length)).ok()
}

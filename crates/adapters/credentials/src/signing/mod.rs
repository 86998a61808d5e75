//! Access tokens that others can verify: Ed25519 keys, which the database keeps encrypted.

mod ed25519;
mod forge;
mod ring;

pub use forge::SealedSigningKeys;
pub use ring::KeyRing;

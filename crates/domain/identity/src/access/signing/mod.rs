//! The keys that access tokens are signed with where others are to verify them too.

mod change;
mod key;
mod keys;

pub use change::SigningKeyChanges;
pub use key::{KeyId, NewSigningKey, PublishedKey, SigningKey, SigningKeyRules, SigningKeyState};
pub use keys::{SigningKeyError, SigningKeys};

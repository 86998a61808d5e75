//! Password hashing, signed tokens and sealed values.
//!
//! - [`Passwords`]: bcrypt over HMAC-SHA-256, on threads of its own behind a bounded queue ([`HashingPool`]); imported
//!   bcrypt and argon2id hashes verify too.
//! - [`JwtAccessTokens`]: short-lived signed claims, checked without a database.
//! - [`DerivedRefreshTokens`]: tokens that can be derived again, so that none is stored.
//! - [`SealedBox`]: encryption of stored values.
//! - [`RandomOneTimePasswords`]: passwords for people to replace.
//! - [`DerivedKeys`]: a key for each of these purposes from the one secret.

mod access_tokens;
mod hashing;
mod keys;
mod mac;
mod one_time_passwords;
mod passwords;
mod random;
mod refresh_tokens;
mod scheme;
mod sealing;

pub use access_tokens::JwtAccessTokens;
pub use hashing::{HashingGauges, HashingOptions, HashingPool};
pub use keys::DerivedKeys;
pub use one_time_passwords::RandomOneTimePasswords;
pub use passwords::Passwords;
pub use refresh_tokens::DerivedRefreshTokens;
pub use scheme::BcryptCost;
pub use sealing::SealedBox;

//! Password hashing, signed tokens and sealed values.
//!
//! - [`Passwords`]: bcrypt over HMAC-SHA-256, on threads of its own behind a bounded queue ([`HashingPool`]); imported
//!   bcrypt and argon2id hashes verify too.
//! - [`JwtAccessTokens`]: short-lived signed claims, checked without a database.
//! - [`SealedSigningKeys`], [`KeyRing`]: the keys of such claims where others are to verify them too.
//! - [`BreachedPasswordLookup`]: asks a list of stolen passwords without telling it the password.
//! - [`DerivedRefreshTokens`]: tokens that can be derived again, so that none is stored.
//! - [`SealedTotpCodes`], [`RandomRecoveryCodes`], [`SignedMfaTokens`]: second factors.
//! - [`DerivedDeviceTokens`], [`KeyedBuckets`]: what guesses at passwords are counted by.
//! - [`HmacAuditSeals`]: what chains the audit log.
//! - [`SealedBox`]: encryption of stored values.
//! - [`RandomLinkSecrets`]: the tokens of mailed links.
//! - [`RandomApiKeys`]: what programs act with.
//! - [`RandomOneTimePasswords`]: passwords for people to replace.
//! - [`DerivedKeys`]: a key for each of these purposes from the one secret.

mod access_tokens;
mod api_key_secrets;
mod audit_seals;
mod breached_passwords;
mod bucket_keys;
mod device_tokens;
mod hashing;
mod keys;
mod link_secrets;
mod mac;
mod mfa_tokens;
mod one_time_passwords;
mod passwords;
mod random;
mod recovery_codes;
mod refresh_tokens;
mod scheme;
mod sealing;
mod shared_secret;
mod signing;
mod token_keys;
mod totp_codes;

pub use access_tokens::JwtAccessTokens;
pub use api_key_secrets::RandomApiKeys;
pub use audit_seals::HmacAuditSeals;
pub use breached_passwords::{BreachedPasswordCounts, BreachedPasswordLookup, BreachedPasswordsError};
pub use bucket_keys::KeyedBuckets;
pub use device_tokens::DerivedDeviceTokens;
pub use hashing::{HashingGauges, HashingOptions, HashingPool};
pub use keys::{DerivedKeys, RotatedKey};
pub use link_secrets::RandomLinkSecrets;
pub use mfa_tokens::SignedMfaTokens;
pub use one_time_passwords::RandomOneTimePasswords;
pub use passwords::Passwords;
pub use recovery_codes::RandomRecoveryCodes;
pub use refresh_tokens::DerivedRefreshTokens;
pub use scheme::{Argon2Memory, BcryptCost};
pub use sealing::SealedBox;
pub use signing::{KeyRing, SealedSigningKeys};
pub use totp_codes::SealedTotpCodes;

mod signing;

use chrono::{DateTime, Utc};
use tenantry_kernel::{OrganizationId, UserId};
use uuid::Uuid;

pub use self::signing::*;
use crate::SessionId;

/// What an access token says. It is believed once its signature, expiry, issuer and audience were checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessClaims {
    /// Names this token (`jti`).
    pub token_id: Uuid,
    /// Whose token it is (`sub` and `user_id`).
    pub user_id: UserId,
    /// The account's e-mail address when the token was made.
    pub email: String,
    /// The organisation that requests act in unless they name another.
    pub organization_id: OrganizationId,
    /// The user's role there; tenancy knows what it means.
    pub role: String,
    /// The session it belongs to (`sid`).
    pub session_id: SessionId,
    /// The account's epoch when the token was made.
    pub user_epoch: i64,
    /// The membership's epoch when the token was made.
    pub membership_epoch: i64,
    /// Whether the password was a one-time password, which has to be replaced before anything else.
    pub password_change_due: bool,
    /// When it was made (`iat`), to the second.
    pub issued_at: DateTime<Utc>,
    /// When it ends (`exp`), to the second.
    pub expires_at: DateTime<Utc>,
}

/// Why an access token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccessTokenError {
    /// It was good once.
    #[error("the access token has expired")]
    Expired,
    /// It is not one of ours: malformed, forged, for another audience, or of another type.
    #[error("the access token is invalid")]
    Invalid,
    /// Nobody can tell now: the keys that it might be signed with can't be read.
    #[error("the keys of access tokens can't be read")]
    KeysUnavailable,
}

/// What a refresh token says. It holds no secret of its own: whoever has the key can derive it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshClaims {
    /// The session it belongs to.
    pub session_id: SessionId,
    /// Whose session that is.
    pub user_id: UserId,
    /// Which of the session's refresh tokens it is.
    pub generation: i64,
}

/// A digest of a password's hash, which tells whether the password is still the same, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordFingerprint(pub [u8; 16]);

/// What the token says that somebody gets for the right password of an account with a second factor. It opens nothing but
/// the question for that factor, and dies with the password and with a sign-out from everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MfaClaims {
    /// Whose password was right.
    pub user_id: UserId,
    /// The account's epoch then.
    pub user_epoch: i64,
    /// The password's hash then.
    pub password: PasswordFingerprint,
    /// When the question is taken back, to the second.
    pub expires_at: DateTime<Utc>,
}

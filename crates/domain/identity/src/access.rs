use chrono::{DateTime, Utc};
use tenantry_kernel::{OrganizationId, UserId};
use uuid::Uuid;

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

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use tenantry_identity::{
    AccessClaims, Client, RefreshClaims, RefreshGrace, Session, SessionId, User,
    ports::{AccessTokens, RefreshTokens},
};
use tenantry_kernel::{IdGenerator, OrganizationId, UserId};
use tenantry_tenancy::Membership;

/// How long sessions and their tokens last.
#[derive(Debug, Clone, Copy)]
pub struct SessionLimits {
    /// An access token.
    pub access_token: Duration,
    /// A refresh token, and with it a session that is not refreshed.
    pub refresh_token: Duration,
    /// How long a refresh token may be presented again after it was exchanged.
    pub refresh_grace: RefreshGrace,
}

/// What a client gets to act with.
#[derive(Debug, Clone)]
pub struct TokenPair {
    /// For the `Authorization` header.
    pub access_token: String,
    /// For the next pair.
    pub refresh_token: String,
    /// How long the access token lasts, in seconds.
    pub expires_in: i64,
}

/// Opens sessions and issues their tokens.
pub struct TokenIssuer {
    access_tokens: Arc<dyn AccessTokens>,
    refresh_tokens: Arc<dyn RefreshTokens>,
    limits: SessionLimits,
    ids: Arc<dyn IdGenerator>,
}

impl TokenIssuer {
    /// An issuer of tokens that last as `limits` says.
    #[must_use]
    pub fn new(
        access_tokens: Arc<dyn AccessTokens>,
        refresh_tokens: Arc<dyn RefreshTokens>,
        limits: SessionLimits,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { access_tokens, refresh_tokens, limits, ids }
    }

    /// How long sessions and tokens last.
    #[must_use]
    pub fn limits(&self) -> SessionLimits {
        self.limits
    }

    /// A new session of `user_id` from `client`.
    #[must_use]
    pub fn open_session(
        &self,
        user_id: UserId,
        organization_id: OrganizationId,
        client: Client,
        now: DateTime<Utc>,
    ) -> Session {
        Session {
            id: SessionId::generate(&*self.ids),
            user_id,
            organization_id,
            generation: 0,
            recent_rotations: Vec::new(),
            client,
            created_at: now,
            last_seen_at: now,
            expires_at: now + self.limits.refresh_token,
            revoked_at: None,
        }
    }

    /// The tokens of a session: an access token for the membership, and the refresh token of `generation`.
    #[must_use]
    pub fn issue(
        &self,
        session: &Session,
        generation: i64,
        user: &User,
        membership: &Membership,
        now: DateTime<Utc>,
    ) -> TokenPair {
        let access = AccessClaims {
            token_id: self.ids.next_id(),
            user_id: user.id,
            email: user.email.as_str().to_owned(),
            organization_id: membership.organization_id,
            role: membership.role.as_str().to_owned(),
            session_id: session.id,
            user_epoch: user.epoch,
            membership_epoch: membership.epoch,
            password_change_due: user.must_change_password,
            issued_at: now,
            expires_at: now + self.limits.access_token,
        };
        let refresh = RefreshClaims { session_id: session.id, user_id: user.id, generation };
        TokenPair {
            access_token: self.access_tokens.issue(&access),
            refresh_token: self.refresh_tokens.issue(&refresh),
            expires_in: self.limits.access_token.num_seconds(),
        }
    }
}

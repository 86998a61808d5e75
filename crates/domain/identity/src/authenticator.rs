use std::sync::Arc;

use tenantry_kernel::{Clock, UserId};

use crate::{
    Actor, AuthenticationError, Email, Liveness, PasswordAttempt, PasswordHash, Principal, RefreshClaims,
    RevocationList,
    ports::{AccessTokens, CredentialLookup, LivenessLookup, PasswordHasher, RefreshTokens, Verification},
};

/// What somebody signs in as: an e-mail address or a username, whichever it turns out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginIdentifier {
    key: String,
}

impl LoginIdentifier {
    /// The identifier as typed; it is compared like an e-mail address and like a username.
    #[must_use]
    pub fn new(raw: &str) -> Self {
        let key = Email::parse(raw).map_or_else(|_| raw.trim().to_lowercase(), |email| email.key().to_owned());
        // No account has a NUL in its name, and PostgreSQL takes none in a text.
        Self { key: key.replace('\0', "\u{fffd}") }
    }

    /// The form in which it is compared with the keys of e-mail addresses and usernames.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// Somebody who gave the right password of an active account.
#[derive(Debug)]
pub struct SignedIn {
    /// Whose account it is.
    pub user_id: UserId,
    /// Who acts from now on.
    pub actor: Actor,
    /// The hash that the password matched: it is the password's only as long as it is stored.
    pub hash: PasswordHash,
    /// Whether that hash should be replaced.
    pub rehash: bool,
}

/// Finds out who somebody is.
pub struct Authenticator {
    credentials: Arc<dyn CredentialLookup>,
    hasher: Arc<dyn PasswordHasher>,
    access_tokens: Arc<dyn AccessTokens>,
    refresh_tokens: Arc<dyn RefreshTokens>,
    revocations: Arc<RevocationList>,
    liveness: Arc<dyn LivenessLookup>,
    clock: Arc<dyn Clock>,
}

impl Authenticator {
    /// An authenticator over these ports.
    #[must_use]
    pub fn new(
        credentials: Arc<dyn CredentialLookup>,
        hasher: Arc<dyn PasswordHasher>,
        access_tokens: Arc<dyn AccessTokens>,
        refresh_tokens: Arc<dyn RefreshTokens>,
        revocations: Arc<RevocationList>,
        liveness: Arc<dyn LivenessLookup>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { credentials, hasher, access_tokens, refresh_tokens, revocations, liveness, clock }
    }

    /// Checks a password. An unknown account and a wrong password can't be told apart, in the answer or in time.
    ///
    /// # Errors
    /// `InvalidCredentials`; `AccountInactive` only after the right password; `Hashing`, `Storage`.
    pub async fn by_password(
        &self,
        identifier: &LoginIdentifier,
        attempt: &PasswordAttempt,
    ) -> Result<SignedIn, AuthenticationError> {
        let found = self.credentials.find(identifier).await?;
        let hash = found.as_ref().map(|(_, hash)| hash);
        let verification = self.hasher.verify(attempt, hash).await?;
        let Some((user, hash)) = found else { return Err(AuthenticationError::InvalidCredentials) };
        match verification {
            Verification::Mismatch => Err(AuthenticationError::InvalidCredentials),
            _ if !user.is_active => Err(AuthenticationError::AccountInactive),
            Verification::Match | Verification::MatchRehash => Ok(SignedIn {
                user_id: user.id,
                actor: Actor::user(user.id),
                hash,
                rehash: verification == Verification::MatchRehash,
            }),
        }
    }

    /// Checks an access token: its signature and expiry, and that nothing it speaks of was revoked. Asks the
    /// database only when the list of revocations is too old.
    ///
    /// # Errors
    /// `Token`, `SessionRevoked`, `MembershipChanged`; `Storage` when neither list nor database can tell.
    pub async fn by_access_token(&self, token: &str) -> Result<Principal, AuthenticationError> {
        let now = self.clock.now();
        let claims = self.access_tokens.verify(token, now)?;
        let liveness = match self.revocations.judge(&claims, now) {
            Some(liveness) => liveness,
            None => self.liveness.find(&claims).await?,
        };
        match liveness {
            Liveness::Live => Ok(Principal::new(claims)),
            Liveness::SessionRevoked => Err(AuthenticationError::SessionRevoked),
            Liveness::MembershipChanged => Err(AuthenticationError::MembershipChanged),
        }
    }

    /// Checks a refresh token's form and signature. Whether its session still accepts it is decided within a
    /// transaction of the actor.
    ///
    /// # Errors
    /// `RefreshTokenInvalid`.
    pub fn by_refresh_token(&self, token: &str) -> Result<(Actor, RefreshClaims), AuthenticationError> {
        let claims = self.refresh_tokens.verify(token).ok_or(AuthenticationError::RefreshTokenInvalid)?;
        Ok((Actor::user(claims.user_id), claims))
    }
}

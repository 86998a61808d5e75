use std::sync::Arc;

use tenantry_kernel::{Clock, UserId};

use crate::{
    Actor, AuthenticationError, Client, DeviceClaims, DeviceId, Email, GuessKind, GuessSubject, GuessTarget, Liveness,
    Password, PasswordAttempt, PasswordGate, PasswordHash, Principal, RefreshClaims, RevocationList, User,
    ports::{AccessTokens, CredentialLookup, LivenessLookup, RefreshTokens, Verification},
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

/// Somebody's try to sign in.
#[derive(Debug, Clone, Copy)]
pub struct LoginAttempt<'a> {
    /// Who they say they are.
    pub identifier: &'a LoginIdentifier,
    /// The password that they give.
    pub password: &'a PasswordAttempt,
    /// Where they try it from.
    pub client: &'a Client,
    /// What they got when they last signed in there, if they have kept it.
    pub device_token: Option<&'a str>,
}

impl LoginAttempt<'_> {
    /// What is guessed at, whether or not the account was found.
    fn target(&self, found: Option<&User>, device: Option<DeviceId>) -> GuessTarget<'_> {
        let subject = found.map_or(GuessSubject::Name(self.identifier), |user| GuessSubject::Account(user.id));
        let address = self.client.ip_address.as_deref().and_then(|address| address.parse().ok());
        GuessTarget { address, device, ..GuessTarget::at(GuessKind::Password, subject) }
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
    /// Which of their devices they use, where it is a known one.
    pub device: Option<DeviceId>,
}

/// Finds out who somebody is.
pub struct Authenticator {
    credentials: Arc<dyn CredentialLookup>,
    passwords: Arc<PasswordGate>,
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
        passwords: Arc<PasswordGate>,
        access_tokens: Arc<dyn AccessTokens>,
        refresh_tokens: Arc<dyn RefreshTokens>,
        revocations: Arc<RevocationList>,
        liveness: Arc<dyn LivenessLookup>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { credentials, passwords, access_tokens, refresh_tokens, revocations, liveness, clock }
    }

    /// Checks a password. An unknown account, a wrong password and one that was tried too often can't be told apart, in
    /// the answer or in time.
    ///
    /// # Errors
    /// `InvalidCredentials`; `AccountInactive` only after the right password; `Hashing`, `Storage`.
    pub async fn by_password(&self, attempt: LoginAttempt<'_>) -> Result<SignedIn, AuthenticationError> {
        self.passwords.check_room()?;
        let device = attempt.device_token.and_then(|token| self.passwords.guard().known_device(token));
        let found = self.credentials.find(attempt.identifier).await?;
        let (user, hash) = found.as_ref().map(|(user, hash)| (user, hash)).unzip();
        let device = of_user(device, user);
        let target = attempt.target(user, device);
        let verification = self.passwords.verify(&target, attempt.password, hash).await?;
        let Some((user, hash)) = found else { return Err(AuthenticationError::InvalidCredentials) };
        match verification {
            Verification::Mismatch => Err(AuthenticationError::InvalidCredentials),
            _ if !user.is_active => Err(AuthenticationError::AccountInactive),
            Verification::Match | Verification::MatchRehash => Ok(SignedIn {
                user_id: user.id,
                actor: Actor::user(user.id),
                hash,
                rehash: verification == Verification::MatchRehash,
                device,
            }),
        }
    }

    /// A hash of the current scheme for an account whose hash is of an older one; none for a password that would not
    /// be accepted today, which keeps its old hash.
    ///
    /// # Errors
    /// `Hashing`.
    pub async fn rehash(
        &self,
        signed_in: &SignedIn,
        attempt: &PasswordAttempt,
    ) -> Result<Option<PasswordHash>, AuthenticationError> {
        match Password::parse(attempt.expose()) {
            Ok(password) if signed_in.rehash => Ok(Some(self.passwords.hash(&password).await?)),
            _ => Ok(None),
        }
    }

    /// The device that `token` marks, if it is one of the user's.
    #[must_use]
    pub fn known_device(&self, user_id: UserId, token: &str) -> Option<DeviceId> {
        let device = self.passwords.guard().known_device(token);
        device.filter(|device| device.user_id == user_id).map(|device| device.device_id)
    }

    /// A token that makes the device of somebody who has just signed in a known one at the next sign-in.
    #[must_use]
    pub fn mark_device(&self, user_id: UserId, known: Option<DeviceId>) -> String {
        self.passwords.guard().mark_device(user_id, known)
    }

    /// Checks an access token: its signature and expiry, and that nothing it speaks of was revoked. Asks the
    /// database only when the list of revocations is too old.
    ///
    /// # Errors
    /// `Token`, `SessionRevoked`, `MembershipChanged`; `Storage` when neither list nor database can tell.
    pub async fn by_access_token(&self, token: &str) -> Result<Principal, AuthenticationError> {
        let now = self.clock.now();
        let claims = self.access_tokens.verify(token, now).await?;
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

/// The device, if it is one of the user's.
fn of_user(device: Option<DeviceClaims>, user: Option<&User>) -> Option<DeviceId> {
    let device = device.filter(|device| user.is_some_and(|user| user.id == device.user_id));
    device.map(|device| device.device_id)
}

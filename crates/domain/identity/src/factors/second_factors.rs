use std::{fmt, sync::Arc};

use chrono::Duration;
use tenantry_kernel::{Clock, StorageError, Store};

use super::second_factor::ProvedFactor;
use crate::{
    Accounts, Actor, AuditAction, AuthenticationError, IdentityError, MfaClaims, PasswordAttempt, PasswordHash,
    RecoveryCode, SecondFactorAnswer, SecondFactorProof, Totp, TotpCode, TotpSetup, User, UserId,
    ports::{IdentityTransaction, MfaTokens, RecoveryCodes, TotpCodes},
};

/// How often codes may be tried, and for how long they are asked for.
#[derive(Debug, Clone, Copy)]
pub struct SecondFactorLimits {
    /// How long somebody has for the second factor after the right password.
    pub challenge: Duration,
    /// How many answers an account may give within the window.
    pub attempts: u32,
    /// How long a wrong answer counts.
    pub window: Duration,
}

/// The question for the second factor, put to somebody who gave the right password.
#[derive(Clone)]
pub struct MfaChallenge {
    /// Comes back with the answer.
    pub token: String,
    /// How long the question stands, in seconds.
    pub expires_in: i64,
}

impl fmt::Debug for MfaChallenge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MfaChallenge([redacted])")
    }
}

/// What people do with their second factor: an authenticator app, and codes on paper for when it is lost.
pub struct SecondFactors {
    store: Arc<dyn Store<Actor, dyn IdentityTransaction>>,
    accounts: Arc<Accounts>,
    totp: Arc<dyn TotpCodes>,
    recovery: Arc<dyn RecoveryCodes>,
    tokens: Arc<dyn MfaTokens>,
    limits: SecondFactorLimits,
    clock: Arc<dyn Clock>,
}

impl SecondFactors {
    /// How many recovery codes there are.
    pub const RECOVERY_CODES: usize = 10;

    /// The use cases over these ports.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store<Actor, dyn IdentityTransaction>>,
        accounts: Arc<Accounts>,
        totp: Arc<dyn TotpCodes>,
        recovery: Arc<dyn RecoveryCodes>,
        tokens: Arc<dyn MfaTokens>,
        limits: SecondFactorLimits,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { store, accounts, totp, recovery, tokens, limits, clock }
    }

    /// Makes a secret for an authenticator app. It counts for nothing until it is confirmed; one that was not confirmed
    /// before is forgotten.
    ///
    /// # Errors
    /// [`IdentityError::SecondFactorOn`] when there is a confirmed app already.
    pub async fn enroll(&self, actor: &Actor) -> Result<TotpSetup, IdentityError> {
        let user = self.accounts.find_own(actor).await?;
        let (secret, setup) = self.totp.enroll(user.id, user.email.as_str());
        let pending = Totp::pending(user.id, secret, self.clock.now());
        let mut transaction = self.store.begin(actor).await?;
        // The account is locked, so that two enrolments don't meet.
        transaction.users().find(user.id).await?.ok_or(IdentityError::NotFound)?;
        let factors = transaction.second_factors();
        if factors.find(user.id).await?.is_some_and(|totp| totp.confirmed_at.is_some()) {
            return Err(IdentityError::SecondFactorOn);
        }
        factors.delete(user.id).await?;
        factors.insert(&pending).await?;
        transaction.commit().await?;
        Ok(setup)
    }

    /// Confirms the app by its first code: from now on, signing in asks for one. Answers the recovery codes, which are
    /// not to be had again.
    ///
    /// # Errors
    /// [`IdentityError::WrongCode`]; [`IdentityError::NoSecondFactor`] when no app waits to be confirmed.
    pub async fn confirm(&self, actor: &Actor, code: &TotpCode) -> Result<Vec<RecoveryCode>, IdentityError> {
        let pending = self.find(actor).await?.filter(|totp| totp.confirmed_at.is_none());
        let pending = pending.ok_or(IdentityError::NoSecondFactor)?;
        let user_id = pending.user_id;
        let now = self.clock.now();
        let step = self.totp.matching_step(user_id, &pending.secret, code, now).ok_or(IdentityError::WrongCode)?;
        let codes: Vec<RecoveryCode> = (0..Self::RECOVERY_CODES).map(|_| self.recovery.generate()).collect();
        let digests: Vec<_> = codes.iter().map(|code| self.recovery.digest(user_id, code)).collect();

        let mut transaction = self.store.begin(actor).await?;
        if !transaction.second_factors().confirm(&pending.confirmed(step, now)).await? {
            return Err(IdentityError::NoSecondFactor);
        }
        transaction.second_factors().insert_recovery_codes(user_id, &digests).await?;
        let entry = self.accounts.own_act(actor, AuditAction::USER_SECOND_FACTOR_ENABLE, user_id, now);
        transaction.audit().append(&entry).await?;
        transaction.commit().await?;
        Ok(codes)
    }

    /// Forgets the app and the recovery codes: the password is enough again.
    ///
    /// # Errors
    /// [`IdentityError::WrongPassword`], [`IdentityError::WrongCode`]; [`IdentityError::NoSecondFactor`] when there is
    /// no confirmed app.
    pub async fn disable(
        &self,
        actor: &Actor,
        password: &PasswordAttempt,
        answer: &SecondFactorAnswer,
    ) -> Result<(), IdentityError> {
        let confirmed = self.accounts.confirm(actor, password).await?;
        let totp = self.find(actor).await?.filter(|totp| totp.confirmed_at.is_some());
        let totp = totp.ok_or(IdentityError::NoSecondFactor)?;
        let user_id = totp.user_id;
        let proof = self.prove(actor, totp, answer).await?.ok_or(IdentityError::WrongCode)?;
        let now = self.clock.now();
        let mut transaction = self.store.begin(actor).await?;
        transaction.users().find(user_id).await?.ok_or(IdentityError::NotFound)?;
        confirmed.check(transaction.as_mut()).await?;
        if !proof.use_up(transaction.second_factors(), now).await? {
            return Err(IdentityError::WrongCode);
        }
        transaction.second_factors().delete(user_id).await?;
        let entry = self.accounts.own_act(actor, AuditAction::USER_SECOND_FACTOR_DISABLE, user_id, now);
        transaction.audit().append(&entry).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The question for the second factor of `user`, whose password matched `hash`.
    #[must_use]
    pub fn challenge(&self, user: &User, hash: &PasswordHash) -> MfaChallenge {
        let claims = MfaClaims {
            user_id: user.id,
            user_epoch: user.epoch,
            password: self.tokens.fingerprint(hash),
            expires_at: self.clock.now() + self.limits.challenge,
        };
        MfaChallenge { token: self.tokens.issue(&claims), expires_in: self.limits.challenge.num_seconds() }
    }

    /// Whom the question was put to. Whether their password is still the same is [`SecondFactors::is_current`].
    ///
    /// # Errors
    /// [`AuthenticationError::Token`].
    pub fn by_token(&self, token: &str) -> Result<(Actor, MfaClaims), AuthenticationError> {
        let claims = self.tokens.verify(token, self.clock.now())?;
        Ok((Actor::user(claims.user_id), claims))
    }

    /// Whether the account and its password still are what the question was put for.
    #[must_use]
    pub fn is_current(&self, claims: &MfaClaims, user: &User, hash: &PasswordHash) -> bool {
        user.deleted_at.is_none()
            && user.id == claims.user_id
            && user.epoch == claims.user_epoch
            && self.tokens.fingerprint(hash) == claims.password
    }

    /// Checks the answer of somebody who signs in, and counts it before that, so that no number of parallel tries gets
    /// more of them than the limit.
    ///
    /// # Errors
    /// [`AuthenticationError::InvalidCredentials`], also when the account has no second factor or was tried too often.
    pub async fn check(
        &self,
        actor: &Actor,
        answer: &SecondFactorAnswer,
    ) -> Result<SecondFactorProof, AuthenticationError> {
        let totp = self.find(actor).await?.filter(|totp| totp.confirmed_at.is_some());
        let totp = totp.ok_or(AuthenticationError::InvalidCredentials)?;
        self.prove(actor, totp, answer).await?.ok_or(AuthenticationError::InvalidCredentials)
    }

    async fn find(&self, actor: &Actor) -> Result<Option<Totp>, StorageError> {
        let Some(user_id) = actor.user_id() else { return Ok(None) };
        self.store.read(actor).await?.second_factors().find(user_id).await
    }

    /// `None` for a wrong answer, and for any answer too many.
    async fn prove(
        &self,
        actor: &Actor,
        totp: Totp,
        answer: &SecondFactorAnswer,
    ) -> Result<Option<SecondFactorProof>, StorageError> {
        let user_id = totp.user_id;
        let now = self.clock.now();
        if !self.reserve_attempt(actor, user_id).await? {
            return Ok(None);
        }
        let factor = match answer {
            SecondFactorAnswer::Code(code) => {
                let step = self.totp.matching_step(user_id, &totp.secret, code, now);
                step.map(|step| ProvedFactor::Totp { secret: totp.secret, step })
            }
            SecondFactorAnswer::Recovery(code) => Some(ProvedFactor::Recovery(self.recovery.digest(user_id, code))),
        };
        Ok(factor.map(|factor| SecondFactorProof { user_id, factor }))
    }

    async fn reserve_attempt(&self, actor: &Actor, user_id: UserId) -> Result<bool, StorageError> {
        let now = self.clock.now();
        let mut transaction = self.store.begin(actor).await?;
        let is_reserved = transaction.second_factors().reserve_attempt(user_id, self.limits, now).await?;
        transaction.commit().await?;
        Ok(is_reserved)
    }
}

//! How people stay signed in.

use std::sync::Arc;

use tenantry_application::{SessionLimits, SignIn, TokenIssuer};
use tenantry_credentials::{DerivedRefreshTokens, RandomRecoveryCodes, SealedTotpCodes, SignedMfaTokens};
use tenantry_identity::{Accounts, Authenticator, RefreshGrace, RevocationList, SecondFactorLimits, SecondFactors};

use super::ground::{Ground, lasting};
use super::passwords::PasswordParts;
use super::post::MailParts;
use super::signing::Signing;
use crate::failure::Failure;
use crate::settings::Settings;

/// What has to do with sessions and their accounts.
pub(super) struct SessionParts {
    /// Which access tokens died early.
    pub revocations: Arc<RevocationList>,
    /// Issues tokens.
    pub tokens: Arc<TokenIssuer>,
    /// Finds out who somebody is.
    pub authenticator: Arc<Authenticator>,
    /// One's own account.
    pub accounts: Arc<Accounts>,
    /// One's own second factor.
    pub second_factors: Arc<SecondFactors>,
}

impl SessionParts {
    pub fn new(
        ground: &Ground<'_>,
        passwords: &PasswordParts,
        signing: &Signing,
        mail: &MailParts,
    ) -> Result<Self, Failure> {
        let limits = limits(ground.settings)?;
        let revocations = Arc::new(RevocationList::default());
        let refresh_tokens = Arc::new(DerivedRefreshTokens::new(ground.keys));
        let tokens = TokenIssuer::new(signing.tokens.clone(), refresh_tokens.clone(), limits, ground.ids());
        let authenticator = Authenticator::new(
            ground.store(),
            passwords.gate.clone(),
            signing.tokens.clone(),
            refresh_tokens,
            revocations.clone(),
            ground.store(),
            ground.clock(),
        );
        let accounts = Arc::new(Accounts::new(
            ground.store(),
            passwords.gate.clone(),
            mail.postbox.clone(),
            revocations.clone(),
            limits.access_token,
            ground.clock(),
            ground.ids(),
        ));
        let second_factors = Arc::new(second_factors(ground, &accounts)?);
        let (tokens, authenticator) = (Arc::new(tokens), Arc::new(authenticator));
        Ok(Self { revocations, tokens, authenticator, accounts, second_factors })
    }

    /// Opens and continues sessions.
    pub fn sign_in(&self, ground: &Ground<'_>) -> SignIn {
        let sign_in = SignIn::new(
            self.authenticator.clone(),
            self.accounts.clone(),
            self.second_factors.clone(),
            ground.store(),
            self.tokens.clone(),
            ground.clock(),
            ground.ids(),
        );
        sign_in.requiring_verified_email(ground.settings.auth.require_verified_email)
    }
}

fn limits(settings: &Settings) -> Result<SessionLimits, Failure> {
    Ok(SessionLimits {
        access_token: lasting(settings.auth.access_token_lifetime)?,
        refresh_token: lasting(settings.auth.refresh_token_lifetime)?,
        refresh_grace: RefreshGrace(lasting(settings.auth.refresh_grace)?),
    })
}

fn second_factors(ground: &Ground<'_>, accounts: &Arc<Accounts>) -> Result<SecondFactors, Failure> {
    let auth = &ground.settings.auth;
    let limits = SecondFactorLimits {
        challenge: lasting(auth.mfa_token_lifetime)?,
        attempts: auth.mfa_attempts,
        window: lasting(auth.mfa_attempts_window)?,
    };
    Ok(SecondFactors::new(
        ground.store(),
        accounts.clone(),
        Arc::new(SealedTotpCodes::new(ground.keys, &auth.totp_issuer)),
        Arc::new(RandomRecoveryCodes),
        Arc::new(SignedMfaTokens::new(ground.keys)),
        limits,
        ground.clock(),
    ))
}

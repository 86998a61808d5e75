use serde::Serialize;
use tenantry_application::{Login, SignInStep, TokenPair};
use tenantry_identity::MfaChallenge;
use utoipa::ToSchema;

use crate::{organizations::OrganizationSummary, users::UserView};

/// What a client acts with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tokens {
    /// For the `Authorization` header.
    access_token: String,
    /// For `/auth/refresh`.
    refresh_token: String,
    /// Always `bearer`.
    token_type: &'static str,
    /// How long the access token lasts, in seconds.
    expires_in: i64,
}

impl From<TokenPair> for Tokens {
    fn from(tokens: TokenPair) -> Self {
        Self {
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            token_type: "bearer",
            expires_in: tokens.expires_in,
        }
    }
}

/// Somebody who has signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignedInView {
    #[serde(flatten)]
    tokens: Tokens,
    user: UserView,
    organization: OrganizationSummary,
    /// For the header `X-Device-Token` of the next sign-in from this device.
    device_token: String,
}

impl From<Login> for SignedInView {
    fn from(login: Login) -> Self {
        let Login { signed_in, device_token } = login;
        Self {
            device_token,
            tokens: signed_in.tokens.into(),
            organization: OrganizationSummary::from(&signed_in.own.organization),
            user: UserView::of_member(signed_in.user, &signed_in.own),
        }
    }
}

/// Somebody who gave the right password, and is asked for a second factor.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MfaRequired {
    /// Always true.
    #[serde(rename = "mfa_required")]
    required: bool,
    /// For `/auth/totp/challenge`.
    #[serde(rename = "mfa_token")]
    token: String,
    /// How long the token lasts, in seconds.
    expires_in: i64,
}

impl From<MfaChallenge> for MfaRequired {
    fn from(challenge: MfaChallenge) -> Self {
        Self { required: true, token: challenge.token, expires_in: challenge.expires_in }
    }
}

/// What a right password leads to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum SignInView {
    SignedIn(Box<SignedInView>),
    SecondFactorDue(MfaRequired),
}

impl From<SignInStep> for SignInView {
    fn from(step: SignInStep) -> Self {
        match step {
            SignInStep::SignedIn(signed_in) => Self::SignedIn(Box::new((*signed_in).into())),
            SignInStep::SecondFactorDue(challenge) => Self::SecondFactorDue(challenge.into()),
        }
    }
}

/// A sentence for people.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Message {
    pub(in crate::auth) message: &'static str,
}

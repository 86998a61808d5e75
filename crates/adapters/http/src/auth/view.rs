use serde::Serialize;
use tenantry_application::{SignedInUser, TokenPair};
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
}

impl From<SignedInUser> for SignedInView {
    fn from(signed_in: SignedInUser) -> Self {
        Self {
            tokens: signed_in.tokens.into(),
            organization: OrganizationSummary::from(&signed_in.own.organization),
            user: UserView::of_member(signed_in.user, &signed_in.own),
        }
    }
}

/// A sentence for people.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Message {
    pub(super) message: &'static str,
}

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use tenantry_identity::AccessTokenError;

use std::sync::Arc;

/// Signs tokens, and is named in their header.
pub(crate) struct SigningPart {
    pub(crate) id: String,
    pub(crate) key: EncodingKey,
}

/// The keys of access tokens, all of one algorithm: no header of a token can choose another.
#[async_trait]
pub(crate) trait TokenKeys: Send + Sync {
    /// The algorithm of all these keys.
    fn algorithm(&self) -> Algorithm;

    /// What tokens are signed with at `now`.
    fn signing(&self, now: DateTime<Utc>) -> Arc<SigningPart>;

    /// What the tokens that name the key `id` are verified with; [`AccessTokenError::Invalid`] where there is none.
    async fn verifying(&self, id: &str) -> Result<Arc<DecodingKey>, AccessTokenError>;
}

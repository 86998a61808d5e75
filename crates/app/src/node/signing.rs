//! How this node signs access tokens.

use std::sync::Arc;

use tenantry_credentials::{JwtAccessTokens, KeyRing, SealedSigningKeys};
use tenantry_identity::ports::PublishedKeys;
use tenantry_identity::{SigningKeyError, SigningKeyRules, SigningKeys};
use tenantry_kernel::StorageError;

use super::ground::{Ground, lasting};
use crate::failure::Failure;
use crate::settings::Algorithm;

/// How this node signs access tokens.
pub struct Signing {
    /// Signs and checks them.
    pub tokens: Arc<JwtAccessTokens>,
    /// Looks after the keys in the database.
    pub keys: Arc<SigningKeys>,
    /// Those keys in memory, where tokens are signed with them.
    ring: Option<Arc<KeyRing>>,
}

impl Signing {
    pub(super) fn new(ground: &Ground<'_>) -> Result<Self, Failure> {
        let Ground { settings, keys, .. } = ground;
        let auth = &settings.auth;
        let store = ground.store();
        let ring = match auth.algorithm {
            Algorithm::Hs256 => None,
            Algorithm::EdDsa => Some(Arc::new(KeyRing::new(store.clone(), SealedSigningKeys::new(keys)))),
        };
        let tokens = match &ring {
            None => JwtAccessTokens::by_secret(keys, &auth.issuer, &auth.audience),
            Some(ring) => JwtAccessTokens::by_key_ring(ring.clone(), &auth.issuer, &auth.audience),
        };
        let rules = SigningKeyRules::new(lasting(auth.signing_key_lifetime)?, lasting(auth.access_token_lifetime)?);
        let forge = Arc::new(SealedSigningKeys::new(keys));
        let keys = SigningKeys::new(store, forge, rules, ground.clock(), ground.ids());
        Ok(Self { tokens: Arc::new(tokens), keys: Arc::new(keys), ring })
    }

    /// Sees to it that there is a key to sign with.
    pub(super) async fn prepare(&self) -> Result<(), Failure> {
        if self.is_by_keys() {
            self.keys.maintain().await.map_err(|error| match error {
                SigningKeyError::Unreadable(_) => Failure::configuration(error),
                other => Failure::because(other),
            })?;
        }
        self.refresh().await.map_err(Failure::because)
    }

    /// Whether tokens are signed with the keys in the database.
    #[must_use]
    pub fn is_by_keys(&self) -> bool {
        self.ring.is_some()
    }

    /// Reads the keys that there are now.
    pub async fn refresh(&self) -> Result<(), StorageError> {
        match &self.ring {
            Some(ring) => ring.refresh().await,
            None => Ok(()),
        }
    }

    pub(super) fn published(&self) -> Option<Arc<dyn PublishedKeys>> {
        let ring = self.ring.clone()?;
        Some(ring)
    }
}

use std::sync::Arc;

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use tenantry_identity::AccessTokenError;

use crate::{
    keys::DerivedKeys,
    token_keys::{SigningPart, TokenKeys},
};

/// Bytes of a key's name.
const NAME: usize = 9;

/// Keys that sign and verify with HMAC-SHA-256: the one of the secret in use, and the previous one to verify with.
pub(crate) struct SharedSecret {
    signing: Arc<SigningPart>,
    verifying: Vec<(String, Arc<DecodingKey>)>,
}

impl SharedSecret {
    pub(crate) fn new(keys: &DerivedKeys) -> Self {
        let names = keys.access_token_names.accepted().map(name);
        let verifying = keys.access_tokens.accepted().map(|key| Arc::new(DecodingKey::from_secret(key)));
        let signing = SigningPart {
            id: name(keys.access_token_names.current()),
            key: EncodingKey::from_secret(keys.access_tokens.current()),
        };
        Self { signing: Arc::new(signing), verifying: names.zip(verifying).collect() }
    }
}

/// A part of a key that was derived for nothing but to be a name.
fn name(key: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(key.first_chunk::<NAME>().map_or(&[][..], |bytes| bytes))
}

#[async_trait]
impl TokenKeys for SharedSecret {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }

    fn signing(&self, _now: DateTime<Utc>) -> Arc<SigningPart> {
        Arc::clone(&self.signing)
    }

    async fn verifying(&self, id: &str) -> Result<Arc<DecodingKey>, AccessTokenError> {
        let known = self.verifying.iter().find(|(known, _)| known == id);
        known.map(|(_, key)| Arc::clone(key)).ok_or(AccessTokenError::Invalid)
    }
}

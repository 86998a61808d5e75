use jsonwebtoken::EncodingKey;
use tenantry_identity::ports::{Sealer, SigningKeyForge};
use tenantry_identity::{KeyId, NewSigningKey, SigningKey};

use super::ed25519::{Public, Seed};
use crate::{keys::DerivedKeys, random::random_bytes, sealing::SealedBox};

/// Makes Ed25519 keys, and encrypts both of their parts, each bound to the name of its key.
///
/// That the public part is encrypted hides nothing; it tells a key that was made here from one that somebody put into
/// the database.
pub struct SealedSigningKeys {
    vault: SealedBox,
}

impl SealedSigningKeys {
    /// Encrypts with the key for values at rest.
    #[must_use]
    pub fn new(keys: &DerivedKeys) -> Self {
        Self { vault: SealedBox::new(keys) }
    }

    /// What the key signs with, where it can be read.
    pub(super) fn encoding_key(&self, key: &SigningKey) -> Option<EncodingKey> {
        let sealed = key.sealed_private.as_ref()?;
        let seed = Seed::read(&self.vault.open(sealed, &private_context(&key.id))?)?;
        Some(seed.encoding_key())
    }

    /// What the key verifies with, where it can be read.
    pub(super) fn public(&self, key: &SigningKey) -> Option<Public> {
        Public::read(&self.vault.open(&key.sealed_public, &public_context(&key.id))?)
    }

    /// A part sealed anew; `None` when it can't be opened.
    fn seal_again(&self, sealed: &[u8], context: &[u8]) -> Option<Vec<u8>> {
        self.vault.open(sealed, context).map(|plain| self.vault.seal(&plain, context))
    }
}

impl SigningKeyForge for SealedSigningKeys {
    fn generate(&self) -> NewSigningKey {
        let seed = Seed::new(random_bytes());
        let public = seed.public();
        let id = public.id();
        NewSigningKey {
            sealed_private: self.vault.seal(seed.as_bytes(), &private_context(&id)),
            sealed_public: self.vault.seal(public.as_bytes(), &public_context(&id)),
            id,
        }
    }

    fn can_open(&self, key: &SigningKey) -> bool {
        self.public(key).is_some() && (key.sealed_private.is_none() || self.encoding_key(key).is_some())
    }

    fn reseal(&self, key: &SigningKey) -> Option<SigningKey> {
        if self.vault.is_current(&key.sealed_public, &public_context(&key.id)) {
            return None;
        }
        let sealed_private = match &key.sealed_private {
            Some(sealed) => Some(self.seal_again(sealed, &private_context(&key.id))?),
            None => None,
        };
        let sealed_public = self.seal_again(&key.sealed_public, &public_context(&key.id))?;
        Some(SigningKey { sealed_private, sealed_public, ..key.clone() })
    }
}

fn private_context(id: &KeyId) -> Vec<u8> {
    format!("signing key/private/{id}").into_bytes()
}

fn public_context(id: &KeyId) -> Vec<u8> {
    format!("signing key/public/{id}").into_bytes()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use secrecy::SecretString;
    use tenantry_identity::SigningKeyState;

    use super::*;

    fn forge(secret: &str, previous: Option<&str>) -> SealedSigningKeys {
        let previous = previous.map(SecretString::from);
        SealedSigningKeys::new(&DerivedKeys::derive(&SecretString::from(secret), previous.as_ref()))
    }

    fn key(forge: &SealedSigningKeys) -> SigningKey {
        forge.generate().starting(SigningKeyState::Active, DateTime::UNIX_EPOCH)
    }

    #[test]
    fn l9_a_key_opens_under_its_secret_and_its_name_only() {
        let ours = forge("a secret", None);
        let (one, other) = (key(&ours), key(&ours));
        assert!(ours.can_open(&one) && !forge("another", None).can_open(&one));
        assert_eq!(ours.public(&one).unwrap().id(), one.id);
        assert!(!ours.can_open(&SigningKey { id: other.id.clone(), ..one.clone() }));
        assert!(!ours.can_open(&SigningKey { sealed_private: other.sealed_private.clone(), ..one.clone() }));
        assert!(!ours.can_open(&SigningKey { sealed_private: Some(one.sealed_public.clone()), ..one.clone() }));
        // Somebody who can write to the database, and knows no secret.
        assert!(!ours.can_open(&SigningKey { sealed_public: vec![7; 32], ..one }));
    }

    #[test]
    fn l9_a_replaced_secret_encrypts_anew_what_the_one_before_did() {
        let (before, after) = (forge("a secret", None), forge("the next secret", Some("a secret")));
        let retired = SigningKey { sealed_private: None, ..key(&before) };
        for old in [key(&before), retired] {
            assert!(before.reseal(&old).is_none());
            let new = after.reseal(&old).unwrap();
            assert!(after.reseal(&new).is_none());
            let done = forge("the next secret", None);
            assert!(done.can_open(&new) && !done.can_open(&old) && !before.can_open(&new));
            assert_eq!(done.public(&new).unwrap().id(), old.id);
            assert!(done.reseal(&old).is_none());
            assert_eq!(new.sealed_private.is_some(), old.sealed_private.is_some());
        }
    }
}

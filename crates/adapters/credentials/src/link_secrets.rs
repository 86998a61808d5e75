use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use tenantry_identity::{Email, LinkToken, RecipientDigest, ports::LinkSecrets};

use crate::{keys::DerivedKeys, mac::hmac_sha256, random::random_bytes};

/// Tokens of 256 random bits for mailed links, known by their SHA-256; recipients known by their HMAC-SHA-256.
pub struct RandomLinkSecrets {
    recipients: [u8; 32],
}

impl RandomLinkSecrets {
    /// With the key for recipients.
    #[must_use]
    pub fn new(keys: &DerivedKeys) -> Self {
        Self { recipients: *keys.recipients.current() }
    }
}

impl LinkSecrets for RandomLinkSecrets {
    #[expect(clippy::expect_used, reason = "32 bytes are 43 characters of base64url")]
    fn generate(&self) -> LinkToken {
        let text = URL_SAFE_NO_PAD.encode(random_bytes::<32>());
        LinkToken::parse(&text).expect("32 bytes are 43 characters of base64url")
    }

    fn digest_token(&self, token: &LinkToken) -> [u8; 32] {
        Sha256::digest(token.expose()).into()
    }

    fn digest_recipient(&self, address: &Email) -> RecipientDigest {
        RecipientDigest(hmac_sha256(&self.recipients, address.key().as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    fn secrets(secret: &str) -> RandomLinkSecrets {
        RandomLinkSecrets::new(&DerivedKeys::derive(&SecretString::from(secret), None))
    }

    #[test]
    fn no_token_comes_twice() {
        let secrets = secrets("a secret");
        let (one, other) = (secrets.generate(), secrets.generate());
        assert_ne!(one, other);
        assert_ne!(secrets.digest_token(&one), secrets.digest_token(&other));
        assert_eq!(secrets.digest_token(&one), secrets.digest_token(&one));
    }

    #[test]
    fn spellings_of_a_recipient_are_one_and_its_digest_is_keyed() {
        let digest = |secret, address| secrets(secret).digest_recipient(&Email::parse(address).unwrap());
        assert_eq!(digest("a secret", "Ada@Example.com"), digest("a secret", "ada@example.com"));
        assert_ne!(digest("a secret", "ada@example.com"), digest("a secret", "bob@example.com"));
        assert_ne!(digest("a secret", "ada@example.com"), digest("another", "ada@example.com"));
    }
}

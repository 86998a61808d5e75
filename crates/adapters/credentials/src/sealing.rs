use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use tenantry_application::ports::Sealer;

use crate::{keys::DerivedKeys, random::random_bytes};

const VERSION: u8 = 1;
const NONCE: usize = 24;

/// Encrypts small values that are stored, such as the answers kept for idempotent requests.
///
/// XChaCha20-Poly1305: the construction of RFC 8439 with a nonce of 24 bytes, long enough to be drawn at random for
/// every value without counting them.
pub struct SealedBox {
    cipher: XChaCha20Poly1305,
    /// Of the secret before, to open what it sealed.
    previous: Option<XChaCha20Poly1305>,
}

impl SealedBox {
    /// Seals with the key for values at rest.
    #[must_use]
    pub fn new(keys: &DerivedKeys) -> Self {
        let cipher = |key: &[u8; 32]| XChaCha20Poly1305::new(&(*key).into());
        Self { cipher: cipher(keys.sealing.current()), previous: keys.sealing.previous().map(cipher) }
    }

    /// Whether the value was sealed with the key of the current secret.
    pub(crate) fn is_current(&self, sealed: &[u8], context: &[u8]) -> bool {
        open(&self.cipher, sealed, context).is_some()
    }
}

impl Sealer for SealedBox {
    #[expect(clippy::expect_used, reason = "only a value of 256 GiB is too long to encrypt")]
    fn seal(&self, plain: &[u8], context: &[u8]) -> Vec<u8> {
        let nonce = random_bytes::<NONCE>();
        let payload = Payload { msg: plain, aad: context };
        let ciphertext = self.cipher.encrypt(&XNonce::from(nonce), payload).expect("the value is short enough");
        [&[VERSION][..], &nonce, &ciphertext].concat()
    }

    fn open(&self, sealed: &[u8], context: &[u8]) -> Option<Vec<u8>> {
        let mut ciphers = [&self.cipher].into_iter().chain(&self.previous);
        ciphers.find_map(|cipher| open(cipher, sealed, context))
    }
}

fn open(cipher: &XChaCha20Poly1305, sealed: &[u8], context: &[u8]) -> Option<Vec<u8>> {
    let (nonce, ciphertext) = split(sealed)?;
    cipher.decrypt(&XNonce::from(*nonce), Payload { msg: ciphertext, aad: context }).ok()
}

fn split(sealed: &[u8]) -> Option<(&[u8; NONCE], &[u8])> {
    let (version, rest) = sealed.split_first()?;
    if *version == VERSION { rest.split_first_chunk() } else { None }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    fn vault(secret: &str) -> SealedBox {
        SealedBox::new(&DerivedKeys::derive(&SecretString::from(secret), None))
    }

    #[test]
    fn opens_in_its_own_context_only() {
        let vault = vault("a secret");
        for plain in [&b""[..], b"x", &[7; 10_000]] {
            let sealed = vault.seal(plain, b"row 1");
            assert_eq!(vault.open(&sealed, b"row 1").unwrap(), plain);
            assert_eq!(vault.open(&sealed, b"row 2"), None);
        }
    }

    #[test]
    fn another_key_does_not_open() {
        let sealed = vault("a secret").seal(b"plain", b"");
        assert_eq!(vault("another").open(&sealed, b""), None);
    }

    #[test]
    fn opens_what_the_previous_secret_sealed_and_seals_with_the_current_one() {
        let secrets = [SecretString::from("the next secret"), SecretString::from("a secret")];
        let rotated = SealedBox::new(&DerivedKeys::derive(&secrets[0], Some(&secrets[1])));
        assert_eq!(rotated.open(&vault("a secret").seal(b"plain", b"row"), b"row").unwrap(), b"plain");
        assert_eq!(rotated.open(&vault("another").seal(b"plain", b"row"), b"row"), None);
        let sealed = rotated.seal(b"plain", b"row");
        assert_eq!(vault("a secret").open(&sealed, b"row"), None);
        assert_eq!(vault("the next secret").open(&sealed, b"row").unwrap(), b"plain");
    }

    #[test]
    fn every_changed_or_cut_byte_is_noticed() {
        let vault = vault("a secret");
        let sealed = vault.seal(b"plain", b"row");
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert_eq!(vault.open(&changed, b"row"), None);
            assert_eq!(vault.open(&sealed[..index], b"row"), None);
        }
    }

    #[test]
    fn the_same_value_never_looks_the_same() {
        let vault = vault("a secret");
        let (one, two) = (vault.seal(b"plain", b"row"), vault.seal(b"plain", b"row"));
        assert_ne!(one, two);
        assert!(!one.windows(5).any(|window| window == b"plain"));
    }
}

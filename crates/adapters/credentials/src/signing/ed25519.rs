use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::SigningKey;
use jsonwebtoken::{DecodingKey, EncodingKey};
use sha2::{Digest, Sha256};
use tenantry_identity::KeyId;

/// What stands before the seed in a private key of Ed25519 (PKCS #8: RFC 8410, section 7).
const PKCS8_HEAD: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// The private part: the seed of RFC 8032, section 5.1.5.
pub(super) struct Seed([u8; 32]);

impl Seed {
    pub(super) fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) fn public(&self) -> Public {
        Public(SigningKey::from_bytes(&self.0).verifying_key().to_bytes())
    }

    pub(super) fn encoding_key(&self) -> EncodingKey {
        EncodingKey::from_ed_der(&[&PKCS8_HEAD[..], &self.0].concat())
    }
}

/// The public part.
#[derive(Clone, Copy)]
pub(super) struct Public([u8; 32]);

impl Public {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// As a JWK tells it.
    pub(super) fn x(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The thumbprint of the JWK (RFC 7638), whose members are in the order that it wants.
    pub(super) fn id(&self) -> KeyId {
        let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, self.x());
        KeyId::new(URL_SAFE_NO_PAD.encode(Sha256::digest(jwk)))
    }

    pub(super) fn decoding_key(&self) -> DecodingKey {
        DecodingKey::from_ed_der(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l9_the_public_part_and_the_thumbprint_are_those_of_rfc_8037() {
        let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let public = Seed::read(&seed).unwrap().public();
        assert_eq!(public.x(), "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(public.id().as_str(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn l9_signs_as_rfc_8037_does() {
        let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let key = Seed::read(&seed).unwrap().encoding_key();
        let signature = jsonwebtoken::crypto::sign(message, &key, jsonwebtoken::Algorithm::EdDSA).unwrap();
        let expected = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        assert_eq!(signature, expected);
    }
}

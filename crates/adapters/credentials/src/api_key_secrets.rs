use sha2::{Digest, Sha256};
use tenantry_identity::{ApiKeyDigest, ApiKeySecret, NewApiKeySecret, ports::ApiKeySecrets};

use crate::random::random_bytes;

/// What every key starts with, so that one that was published by mistake is recognised.
const BRAND: &str = "tnt_";
/// Characters of the part that tells keys apart.
const NAME: usize = 8;
/// Characters of 256 bits: 62 to the 43rd power is more than 2 to the 256th.
const SECRET: usize = 43;
/// Characters of the checksum: 62 to the 6th power is more than 2 to the 32nd.
const CHECKSUM: usize = 6;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// API keys: `tnt_`, eight characters to recognise the key by, `_`, 256 random bits and a checksum, in digits and letters.
///
/// The checksum (the first 32 bits of the SHA-256 of what stands before it) tells a mistyped key, and one that a scanner
/// for secrets has found, from other texts without asking anybody.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomApiKeys;

impl ApiKeySecrets for RandomApiKeys {
    fn generate(&self) -> NewApiKeySecret {
        let name = in_digits::<NAME>(&random_bytes::<16>());
        let prefix = format!("{BRAND}{name}");
        let body = format!("{prefix}_{}", in_digits::<SECRET>(&random_bytes::<32>()));
        let text = format!("{body}{}", checksum(&body));
        NewApiKeySecret { digest: sha256(&text), secret: ApiKeySecret::new(text), prefix }
    }

    fn is_key(&self, text: &str) -> bool {
        text.starts_with(BRAND)
    }

    fn digest(&self, text: &str) -> Option<ApiKeyDigest> {
        let (body, sum) = text.split_at_checked(text.len().checked_sub(CHECKSUM)?)?;
        let is_whole = text.len() == BRAND.len() + NAME + 1 + SECRET + CHECKSUM;
        (is_whole && self.is_key(text) && sum == checksum(body)).then(|| sha256(text))
    }
}

fn sha256(text: &str) -> ApiKeyDigest {
    ApiKeyDigest(Sha256::digest(text).into())
}

fn checksum(body: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(body).into();
    in_digits::<CHECKSUM>(digest.first_chunk::<4>().map_or(&[], |bytes| bytes))
}

/// The last `N` digits, to base 62, of a number of which the most significant byte comes first.
fn in_digits<const N: usize>(number: &[u8]) -> String {
    let mut number = number.to_vec();
    let mut digits = [b'0'; N];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0_u16;
        for byte in &mut number {
            let value = (rest << 8) | u16::from(*byte);
            rest = value % 62;
            // At most 61 × 256 + 255 was divided by 62.
            *byte = u8::try_from(value / 62).unwrap_or_default();
        }
        *digit = DIGITS.get(usize::from(rest)).copied().unwrap_or(b'0');
    }
    digits.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c13_numbers_are_written_to_base_62() {
        assert_eq!(in_digits::<3>(&[61]), "00z");
        assert_eq!(in_digits::<3>(&[62]), "010");
        assert_eq!(in_digits::<6>(&[0xff; 4]), "4gfFC3");
        // 2 to the 256th minus 1.
        assert_eq!(in_digits::<SECRET>(&[0xff; 32]), "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1");
    }

    #[test]
    fn c13_a_key_has_its_form_and_knows_when_it_was_mistyped() {
        let (one, other) = (RandomApiKeys.generate(), RandomApiKeys.generate());
        let text = one.secret.expose();
        assert_eq!((text.len(), one.prefix.len()), (62, 12));
        assert!(text.starts_with(&format!("{}_", one.prefix)) && one.prefix.starts_with("tnt_"), "{text}");
        assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
        assert_eq!(RandomApiKeys.digest(text), Some(one.digest));
        assert_ne!(one.digest, other.digest);
        for index in 0..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[index] = if bytes[index] == b'x' { b'y' } else { b'x' };
            assert_eq!(RandomApiKeys.digest(str::from_utf8(&bytes).unwrap()), None, "{index}");
        }
        for wrong in ["", "tnt_", "tnt_é", &text[1..], &text[..61], &format!("{text}0"), &text.to_uppercase()] {
            assert_eq!(RandomApiKeys.digest(wrong), None, "{wrong}");
        }
        assert!(!format!("{one:?}").contains(&text[13..]));
    }
}

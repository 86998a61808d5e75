use std::{fmt, str::FromStr};

/// A CRC-64/NVME checksum of some bytes: what S3 calls `CRC64NVME`.
///
/// Written as S3 writes it: the eight bytes, the most significant first, in base64 (RFC 4648, section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Crc64(u64);

/// A text is not a checksum. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the base64 of the 8 bytes of a CRC-64/NVME checksum")]
pub struct Crc64Error;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Characters of eight bytes in base64 before the padding.
const DIGITS: usize = 11;

impl Crc64 {
    /// The checksum with this value.
    #[must_use]
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// The value.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The checksum as a signed number, for databases that know no other.
    #[must_use]
    pub const fn to_stored(self) -> i64 {
        self.0.cast_signed()
    }

    /// The checksum that was stored as a signed number.
    #[must_use]
    pub const fn from_stored(value: i64) -> Self {
        Self(value.cast_unsigned())
    }
}

impl fmt::Display for Crc64 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Sixty-four bits and two zero bits make eleven digits of six.
        let bits = u128::from(self.0) << 2;
        for place in (0..DIGITS).rev() {
            let digit = usize::try_from((bits >> (6 * place)) & 0x3f).unwrap_or_default();
            let character = ALPHABET.get(digit).copied().map_or('A', char::from);
            fmt::Write::write_char(formatter, character)?;
        }
        formatter.write_str("=")
    }
}

impl FromStr for Crc64 {
    type Err = Crc64Error;

    fn from_str(text: &str) -> Result<Self, Crc64Error> {
        let digits = text.strip_suffix('=').ok_or(Crc64Error)?;
        if digits.len() != DIGITS {
            return Err(Crc64Error);
        }
        let mut bits = 0_u128;
        for byte in digits.bytes() {
            let digit = ALPHABET.iter().position(|known| *known == byte).ok_or(Crc64Error)?;
            bits = (bits << 6) | u128::try_from(digit).or(Err(Crc64Error))?;
        }
        if bits & 0b11 != 0 {
            return Err(Crc64Error);
        }
        u64::try_from(bits >> 2).map(Self).or(Err(Crc64Error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_in_base64() {
        // The check value of CRC-64/NVME, of the bytes "123456789".
        let check = Crc64::new(0xae8b_1486_0a79_9888);
        assert_eq!(check.to_string(), "rosUhgp5mIg=");
        assert_eq!("rosUhgp5mIg=".parse(), Ok(check));
        assert_eq!(Crc64::new(0).to_string(), "AAAAAAAAAAA=");
        for value in [0, 1, u64::MAX, 0x0123_4567_89ab_cdef] {
            let checksum = Crc64::new(value);
            assert_eq!(checksum.to_string().parse(), Ok(checksum));
            assert_eq!(Crc64::from_stored(checksum.to_stored()), checksum);
        }
    }

    #[test]
    fn another_text_is_none() {
        for text in ["", "rosUhgp5mIg", "rosUhgp5mIh=", "rosUhgp5mI==", "rosUhgp5mI_=", "AAAAAAAAAAAA"] {
            assert_eq!(text.parse::<Crc64>(), Err(Crc64Error), "{text}");
        }
    }
}

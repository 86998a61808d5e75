use std::{fmt, str::FromStr};

use crc_fast::{CrcAlgorithm, Digest};

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

const ALGORITHM: CrcAlgorithm = CrcAlgorithm::Crc64Nvme;

impl Crc64 {
    /// The checksum of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(crc_fast::checksum(ALGORITHM, bytes))
    }

    /// The checksum of the bytes that this one is of and those that follow them, of which there are `length`. Costs
    /// nothing to speak of, however many they are.
    #[must_use]
    pub fn followed_by(self, next: Self, length: u64) -> Self {
        Self(crc_fast::checksum_combine(ALGORITHM, self.0, next.0, length))
    }

    /// The checksum of the whole, from the checksums and the lengths in bytes of its parts in their order.
    #[must_use]
    pub fn combine(parts: impl IntoIterator<Item = (Self, u64)>) -> Self {
        parts.into_iter().fold(Self::of(&[]), |whole, (part, length)| whole.followed_by(part, length))
    }

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

/// The checksum of bytes that come piece by piece.
#[derive(Debug, Clone)]
pub struct Crc64Digest(Digest);

impl Crc64Digest {
    /// Of no bytes yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Digest::new(ALGORITHM))
    }

    /// Takes the next bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum of the bytes so far.
    #[must_use]
    pub fn finish(&self) -> Crc64 {
        Crc64(self.0.finalize())
    }
}

impl Default for Crc64Digest {
    fn default() -> Self {
        Self::new()
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

    /// The check value that the catalogue of CRCs has.
    const CHECK: Crc64 = Crc64::new(0xae8b_1486_0a79_9888);

    fn length(bytes: &[u8]) -> u64 {
        bytes.len().try_into().unwrap()
    }

    #[test]
    fn it_is_the_one_that_stores_mean() {
        assert_eq!(Crc64::of(b"123456789"), CHECK);
        assert_eq!(Crc64::of(b""), Crc64::new(0));
        assert_eq!(Crc64::combine([(Crc64::of(b"1234"), 4), (Crc64::of(b""), 0), (Crc64::of(b"56789"), 5)]), CHECK);
        assert_eq!(Crc64::combine([]), Crc64::of(b""));
    }

    #[test]
    fn however_it_is_split_the_whole_has_one_checksum() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..200 {
            let bytes: Vec<u8> = (0..random.usize(0..20_000)).map(|_| random.u8(..)).collect();
            let (mut parts, mut digest, mut rest) = (Vec::new(), Crc64Digest::new(), &bytes[..]);
            while !rest.is_empty() {
                let (part, after) = rest.split_at(random.usize(1..=rest.len()));
                parts.push((Crc64::of(part), length(part)));
                digest.update(part);
                rest = after;
            }
            assert_eq!(digest.finish(), Crc64::of(&bytes));
            assert_eq!(Crc64::combine(parts), Crc64::of(&bytes));
        }
    }

    #[test]
    fn parts_of_many_gigabytes_are_put_together() {
        // Appending zeros twice is appending twice as many.
        let (part, zeros) = (Crc64::of(b"123456789"), |length| (combine_zeros(length), length));
        assert_eq!(
            Crc64::combine([(part, 9), zeros(1 << 40), zeros(1 << 40)]),
            Crc64::combine([(part, 9), zeros(1 << 41)])
        );
    }

    /// The checksum of 2^n zero bytes, by doubling.
    fn combine_zeros(length: u64) -> Crc64 {
        (0..length.ilog2())
            .fold(Crc64::of(&[0]), |half, power| Crc64::combine([(half, 1 << power), (half, 1 << power)]))
    }
}

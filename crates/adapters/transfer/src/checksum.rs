//! CRC-64/NVME, which object stores call `CRC64NVME`.

use crc_fast::{CrcAlgorithm, Digest};
use tenantry_sync::objects::Crc64;

const ALGORITHM: CrcAlgorithm = CrcAlgorithm::Crc64Nvme;

/// The checksum of these bytes.
#[must_use]
pub fn of(bytes: &[u8]) -> Crc64 {
    Crc64::new(crc_fast::checksum(ALGORITHM, bytes))
}

/// The checksum of the whole, from the checksums and the lengths in bytes of its parts in their order. Costs nothing
/// to speak of, however long the parts are.
#[must_use]
pub fn combine(parts: impl IntoIterator<Item = (Crc64, u64)>) -> Crc64 {
    let append = |whole: Crc64, (part, length): (Crc64, u64)| {
        Crc64::new(crc_fast::checksum_combine(ALGORITHM, whole.get(), part.get(), length))
    };
    parts.into_iter().fold(of(&[]), append)
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
        Crc64::new(self.0.finalize())
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

    /// The check value that the catalogue of CRCs has.
    const CHECK: Crc64 = Crc64::new(0xae8b_1486_0a79_9888);

    fn length(bytes: &[u8]) -> u64 {
        bytes.len().try_into().unwrap()
    }

    #[test]
    fn it_is_the_one_that_stores_mean() {
        assert_eq!(of(b"123456789"), CHECK);
        assert_eq!(of(b""), Crc64::new(0));
        assert_eq!(combine([(of(b"1234"), 4), (of(b""), 0), (of(b"56789"), 5)]), CHECK);
        assert_eq!(combine([]), of(b""));
    }

    #[test]
    fn however_it_is_split_the_whole_has_one_checksum() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..200 {
            let bytes: Vec<u8> = (0..random.usize(0..20_000)).map(|_| random.u8(..)).collect();
            let (mut parts, mut digest, mut rest) = (Vec::new(), Crc64Digest::new(), &bytes[..]);
            while !rest.is_empty() {
                let (part, after) = rest.split_at(random.usize(1..=rest.len()));
                parts.push((of(part), length(part)));
                digest.update(part);
                rest = after;
            }
            assert_eq!(digest.finish(), of(&bytes));
            assert_eq!(combine(parts), of(&bytes));
        }
    }

    #[test]
    fn parts_of_many_gigabytes_are_put_together() {
        // Appending zeros twice is appending twice as many.
        let (part, zeros) = (of(b"123456789"), |length| (combine_zeros(length), length));
        assert_eq!(combine([(part, 9), zeros(1 << 40), zeros(1 << 40)]), combine([(part, 9), zeros(1 << 41)]));
    }

    /// The checksum of 2^n zero bytes, by doubling.
    fn combine_zeros(length: u64) -> Crc64 {
        (0..length.ilog2()).fold(of(&[0]), |half, power| combine([(half, 1 << power), (half, 1 << power)]))
    }
}

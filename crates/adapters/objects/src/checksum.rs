use crc_fast::{CrcAlgorithm, checksum_combine};
use tenantry_sync::objects::Crc64;

/// The checksum of these bytes.
#[must_use]
pub fn crc64(bytes: &[u8]) -> Crc64 {
    Crc64::new(crc_fast::crc64_nvme(bytes))
}

/// The checksum of some bytes and those that follow them, from the checksums of both and the length of the latter.
#[must_use]
pub fn combine(first: Crc64, second: Crc64, second_length: u64) -> Crc64 {
    Crc64::new(checksum_combine(CrcAlgorithm::Crc64Nvme, first.get(), second.get(), second_length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_that_of_nvme() {
        assert_eq!(crc64(b"123456789").to_string(), "rosUhgp5mIg=");
        assert_eq!(crc64(b"").get(), 0);
    }

    #[test]
    fn those_of_parts_make_that_of_the_whole() {
        for at in 0..=9 {
            let (first, second) = b"123456789".split_at(at);
            let length = u64::try_from(second.len()).unwrap();
            assert_eq!(combine(crc64(first), crc64(second), length), crc64(b"123456789"), "{at}");
        }
    }
}

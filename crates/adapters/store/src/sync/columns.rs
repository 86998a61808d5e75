//! How numbers, places and times of sync are stored.

use sha2::{Digest, Sha256};
use tenantry_kernel::StorageError;
use tenantry_sync::objects::Place;

pub(super) use crate::database_clock::now_ms;
use crate::row::corrupt;
pub(super) use crate::row::{count, stored};

/// A small number that was stored.
pub(super) fn small(stored: i16, table: &str, id: impl std::fmt::Display, column: &str) -> Result<u16, StorageError> {
    u16::try_from(stored).ok().ok_or_else(|| corrupt(table, id, column))
}

/// A small number, as a signed one.
pub(super) fn stored_small(number: u16) -> i16 {
    i16::try_from(number).unwrap_or(i16::MAX)
}

/// Any 64 bits, as a signed number: numbers of devices and inodes.
pub(super) fn bits(number: u64) -> i64 {
    number.cast_signed()
}

/// A place as a number: the first 64 bits of the SHA-256 of its name, so that rows stay short.
pub(super) fn place_number(place: &Place) -> i64 {
    let digest = Sha256::digest(place.as_str().as_bytes());
    let mut first = [0; 8];
    first.iter_mut().zip(digest).for_each(|(byte, of_digest)| *byte = of_digest);
    i64::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_have_numbers_of_their_own() {
        let number = |name: &str| place_number(&Place::new(name.to_owned()));
        assert_eq!(number("file:///data"), number("file:///data"));
        assert_ne!(number("file:///data"), number("file:///data2"));
    }
}

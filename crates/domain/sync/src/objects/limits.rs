/// The sizes that a store takes, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartLimits {
    /// The largest object that is put in one piece.
    pub max_put: u64,
    /// The smallest part but the last.
    pub min_part: u64,
    /// The largest part.
    pub max_part: u64,
    /// The most parts, numbered from 1.
    pub max_parts: u32,
}

/// Parts of another size than the smallest are whole numbers of these.
const STEP: u64 = 1 << 20;

impl PartLimits {
    /// Bytes of a part, and of a file that is still sent in one piece, where nothing speaks against it.
    pub const USUAL_PART: u64 = 8 << 20;

    /// The size of all parts but the last of so large a file: `smallest` or larger, and such that they are at most
    /// nineteen twentieths of the parts that the store allows.
    #[must_use]
    pub fn part_size(self, size: u64, smallest: u64) -> u64 {
        let most = u64::from(self.max_parts).saturating_mul(95) / 100;
        let needed = size.div_ceil(most.max(1));
        let least = smallest.max(self.min_part).max(1);
        let fitting = if needed > least { needed.next_multiple_of(STEP) } else { least };
        fitting.min(self.max_part)
    }

    /// The largest object that is put together of parts.
    #[must_use]
    pub fn max_object(self) -> u64 {
        self.max_part.saturating_mul(self.max_parts.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S3: PartLimits = PartLimits { max_put: 5 << 30, min_part: 5 << 20, max_part: 5 << 30, max_parts: 10_000 };

    #[test]
    fn u8_parts_are_few_enough_and_large_enough() {
        let usual = PartLimits::USUAL_PART;
        assert_eq!(S3.part_size(20 << 20, usual), usual);
        assert_eq!(S3.part_size(9_500 * usual, usual), usual);
        assert_eq!(S3.part_size(9_500 * usual + 1, usual), 9 << 20);
        let largest = 48 << 40;
        let part = S3.part_size(largest, usual);
        assert!(largest / part < 10_000 && part <= S3.max_part && largest <= S3.max_object());
        assert_eq!(S3.part_size(20 << 20, 1 << 10), S3.min_part, "the store has a word in it");
    }
}

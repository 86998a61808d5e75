/// How many rows to pass for `count`: a power of two, so that there are few different statements to prepare. The last row
/// is passed as often as it takes.
pub(crate) fn padded(count: usize) -> usize {
    count.next_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_rounded_up_to_powers_of_two() {
        assert_eq!([1, 2, 3, 200, 256].map(padded), [1, 2, 4, 256, 256]);
    }
}

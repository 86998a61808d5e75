use tenantry_readings::NanoUsd;

/// Decimals of an amount.
const DECIMALS: i64 = 9;

/// Digits of the largest amount, in billionths.
const MOST_DIGITS: i64 = 19;

/// The amount of US dollars that a number of JSON says, digit by digit: no float comes near it. What is less than a
/// billionth counts as one. None if it is negative, or more than an amount can be.
pub(crate) fn parse(number: &str) -> Option<NanoUsd> {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{decimals}");
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(NanoUsd::ZERO);
    }
    // How many of the digits stand before the point once the number is one of billionths.
    let places = i64::try_from(whole.len() + decimals.len()).ok()?;
    let skipped = places - i64::try_from(digits.len()).ok()?;
    let shift = exponent.parse::<i64>().ok()?.checked_add(DECIMALS)?;
    let before = i64::try_from(whole.len()).ok()?.checked_add(shift)?.checked_sub(skipped)?;
    nanos(digits, before)
}

/// The number `0.digits` times ten to the power of `before`, rounded up.
fn nanos(digits: &str, before: i64) -> Option<NanoUsd> {
    if before > MOST_DIGITS {
        return None;
    }
    let count = usize::try_from(before.max(0)).ok()?;
    let (kept, cut) = digits.split_at_checked(count).unwrap_or((digits, ""));
    let floor: i64 = if count == 0 { 0 } else { format!("{kept:0<count$}").parse().ok()? };
    let is_rounded = cut.bytes().any(|digit| digit != b'0');
    let amount = NanoUsd::from_nanos(floor.checked_add(i64::from(is_rounded))?);
    (amount <= NanoUsd::MAX).then_some(amount)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for (number, nanos) in [
            ("0", 0),
            ("0.0", 0),
            ("0e999999999999999999999", 0),
            ("1", 1_000_000_000),
            ("0.00503", 5_030_000),
            ("5.03e-3", 5_030_000),
            ("503E-5", 5_030_000),
            ("0.000503e+1", 5_030_000),
            ("12.5", 12_500_000_000),
            ("0.000000001", 1),
            ("1e-9", 1),
            ("0.0000000010", 1),
            ("0.0000000011", 2),
            ("0.00000000000000000001", 1),
            ("1e-400", 1),
            ("0.3000000000000000444089209850062616169452667236328125", 300_000_001),
            ("1e9", 1_000_000_000_000_000_000),
            ("1000000000.000000000", 1_000_000_000_000_000_000),
        ] {
            assert_eq!(parse(number), Some(NanoUsd::from_nanos(nanos)), "{number}");
        }
    }

    #[test]
    fn what_is_no_amount_is_none() {
        for number in ["", "-1", "-0.5", "x", "1e", "1e10", "1e999999999999999999999", "1000000000.1", "\"1\"", "null"]
        {
            assert_eq!(parse(number), None, "{number}");
        }
    }

    proptest! {
        #[test]
        fn the_place_of_the_point_changes_nothing(nanos in 0..=NanoUsd::MAX.nanos(), places in 0_i64..30) {
            let amount = NanoUsd::from_nanos(nanos);
            prop_assert_eq!(parse(&amount.to_string()), Some(amount));
            prop_assert_eq!(parse(&format!("{nanos}e-9")), Some(amount));
            let zeros = "0".repeat(usize::try_from(places).unwrap());
            prop_assert_eq!(parse(&format!("0.{zeros}{nanos:0>19}e{}", places + 10)), Some(amount));
        }
    }
}

use std::fmt;
use std::str::FromStr;

/// An amount of money in billionths of a US dollar. Sums are exact; nothing is ever rounded but the price of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NanoUsd(i64);

/// A text is not an amount. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an amount in US dollars from 0 to 1000000000, with at most 9 decimals")]
pub struct NanoUsdError;

const NANOS: i64 = 1_000_000_000;
const DECIMALS: usize = 9;

impl NanoUsd {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The most that can be written: a billion dollars.
    pub const MAX: Self = Self(1_000_000_000 * NANOS);

    /// So many billionths.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The number of billionths.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// The sum; what can't be counted any more is as much as can be.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left of this when `other` is taken away, and nothing when that is more.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0).max(0))
    }

    /// What `tokens` cost when a million of them cost this, rounded up.
    pub(crate) fn of_tokens(self, tokens: u64) -> Self {
        let million = 1_000_000;
        let nanos = (i128::from(self.0) * i128::from(tokens) + (million - 1)) / million;
        Self(i64::try_from(nanos).unwrap_or(i64::MAX))
    }
}

impl FromStr for NanoUsd {
    type Err = NanoUsdError;

    fn from_str(text: &str) -> Result<Self, NanoUsdError> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !are_digits(whole) || !are_digits(decimals) || decimals.len() > DECIMALS || whole.len() > 10 {
            return Err(NanoUsdError);
        }
        let whole: i64 = whole.parse().or(Err(NanoUsdError))?;
        let decimals: i64 = format!("{decimals:0<DECIMALS$}").parse().or(Err(NanoUsdError))?;
        let amount = whole.checked_mul(NANOS).and_then(|nanos| nanos.checked_add(decimals)).map(Self);
        amount.filter(|amount| *amount <= Self::MAX).ok_or(NanoUsdError)
    }
}

/// As a decimal number of dollars, without zeros at its end: `0`, `12.5`, `0.000000001`.
impl fmt::Display for NanoUsd {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (nanos, scale) = (self.0.unsigned_abs(), NANOS.unsigned_abs());
        let decimals = format!("{:0>DECIMALS$}", nanos % scale);
        match decimals.trim_end_matches('0') {
            "" => write!(formatter, "{sign}{}", nanos / scale),
            decimals => write!(formatter, "{sign}{}.{decimals}", nanos / scale),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn amount(text: &str) -> NanoUsd {
        text.parse().unwrap()
    }

    #[test]
    fn amounts_are_read_and_written_as_decimals() {
        for text in ["0", "12.5", "0.000000001", "1000000000"] {
            assert_eq!(amount(text).to_string(), text);
        }
        assert_eq!(amount("0.10").nanos(), 100_000_000);
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in
            ["", "-1", "+1", "1e3", ".5", "1.", "0.0000000001", "1000000000.1", " 1", "1,5", "99999999999999999999"]
        {
            assert_eq!(text.parse::<NanoUsd>(), Err(NanoUsdError), "{text}");
        }
    }

    #[test]
    fn tokens_are_priced_by_the_million_and_rounded_up() {
        assert_eq!(amount("0.0375").of_tokens(1), NanoUsd(38));
        assert_eq!(amount("0.0375").of_tokens(2), NanoUsd(75));
        assert_eq!(amount("3").of_tokens(1_000_000), amount("3"));
        assert_eq!(NanoUsd::MAX.of_tokens(u64::MAX), NanoUsd(i64::MAX));
    }

    proptest! {
        #[test]
        fn every_amount_comes_back_from_its_text(nanos in 0..=NanoUsd::MAX.nanos()) {
            prop_assert_eq!(NanoUsd(nanos).to_string().parse(), Ok(NanoUsd(nanos)));
        }
    }
}

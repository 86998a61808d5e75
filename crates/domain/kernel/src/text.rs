/// Why a text was refused. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Too few or too many Unicode scalar values after trimming.
    #[error("must have {min} to {max} characters")]
    Length {
        /// The fewest allowed.
        min: usize,
        /// The most allowed.
        max: usize,
    },
    /// A control character other than tab and line breaks.
    #[error("must not contain control characters")]
    ControlCharacter,
}

/// Trims `raw` and checks its length in Unicode scalar values and its characters.
///
/// # Errors
/// [`TextError`] says which rule was broken.
pub fn parse_text(raw: &str, min: usize, max: usize) -> Result<String, TextError> {
    let text = raw.trim();
    if !(min..=max).contains(&text.chars().count()) {
        return Err(TextError::Length { min, max });
    }
    if text.chars().any(|character| character.is_control() && !matches!(character, '\t' | '\n' | '\r')) {
        return Err(TextError::ControlCharacter);
    }
    Ok(text.to_owned())
}

/// Declares a type for text with `min` to `max` characters: trimmed, counted in Unicode scalar values, without
/// control characters other than tab and line breaks.
#[macro_export]
macro_rules! text_value {
    ($(#[$meta:meta])* $name:ident, $min:literal..=$max:literal) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The fewest characters.
            pub const MIN: usize = $min;
            /// The most characters.
            pub const MAX: usize = $max;

            /// Parses `raw`, trimmed.
            ///
            /// # Errors
            /// [`TextError`]($crate::TextError) says which rule was broken.
            pub fn parse(raw: &str) -> Result<Self, $crate::TextError> {
                $crate::parse_text(raw, Self::MIN, Self::MAX).map(Self)
            }

            /// A text that is known to keep the rules: one that was stored, or that keeps stricter ones.
            #[must_use]
            pub fn from_stored(text: String) -> Self {
                Self(text)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text, owned.
            #[must_use]
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trims_and_counts_scalar_values() {
        assert_eq!(parse_text("  né  ", 1, 2), Ok("né".to_owned()));
        assert_eq!(parse_text("   ", 1, 2), Err(TextError::Length { min: 1, max: 2 }));
        assert_eq!(parse_text("abc", 1, 2), Err(TextError::Length { min: 1, max: 2 }));
    }

    #[test]
    fn refuses_control_characters_but_not_line_breaks() {
        assert_eq!(parse_text("a\u{0}b", 1, 9), Err(TextError::ControlCharacter));
        assert_eq!(parse_text("a\u{1b}b", 1, 9), Err(TextError::ControlCharacter));
        assert_eq!(parse_text("a\tb\r\nc", 1, 9), Ok("a\tb\r\nc".to_owned()));
    }
}

use std::fmt;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// The name of an organisation in addresses: 1 to 63 of `a`–`z`, `0`–`9` and `-`, as in a host name (RFC 1123);
/// unique among organisations.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Slug(String);

/// A text is not a slug. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 63 lower-case letters, digits and hyphens, and begin and end with a letter or digit")]
pub struct SlugError;

impl Slug {
    /// The most characters.
    pub const MAX: usize = 63;

    /// Parses `raw`, trimmed.
    ///
    /// # Errors
    /// [`SlugError`].
    pub fn parse(raw: &str) -> Result<Self, SlugError> {
        let slug = raw.trim();
        let is_slug = !slug.is_empty()
            && slug.len() <= Self::MAX
            && slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !slug.starts_with('-')
            && !slug.ends_with('-');
        if is_slug { Ok(Self(slug.to_owned())) } else { Err(SlugError) }
    }

    /// The slug that a name suggests: without accents, in lower case, with hyphens for everything else.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        let mut slug = String::new();
        for character in name.nfkd().filter(|character| !is_combining_mark(*character)) {
            let character = character.to_ascii_lowercase();
            if character.is_ascii_alphanumeric() {
                slug.push(character);
            } else if !slug.ends_with('-') {
                slug.push('-');
            }
            if slug.len() >= Self::MAX - Self::SUFFIX {
                break;
            }
        }
        let slug = slug.trim_matches('-');
        Self(if slug.is_empty() { "organization".to_owned() } else { slug.to_owned() })
    }

    /// Room for a hyphen and eight characters that tell this slug from others of the same name.
    const SUFFIX: usize = 9;

    /// This slug with `suffix`, of which the first eight characters count.
    #[must_use]
    pub fn with_suffix(&self, suffix: &str) -> Self {
        let stem: String = self.0.chars().take(Self::MAX - Self::SUFFIX).collect();
        let suffix: String = suffix.chars().take(Self::SUFFIX - 1).collect();
        Self(format!("{}-{suffix}", stem.trim_end_matches('-')))
    }

    /// The slug.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_suggests_a_valid_slug() {
        for (name, slug) in [
            ("Acme Ltd.", "acme-ltd"),
            ("  Café  Zürich ", "cafe-zurich"),
            ("ﬁsh & chips", "fish-chips"),
            ("東京", "organization"),
            ("---", "organization"),
        ] {
            let made = Slug::from_name(name);
            assert_eq!(made.as_str(), slug);
            assert_eq!(Slug::parse(made.as_str()).as_ref(), Ok(&made));
        }
        let long = Slug::from_name(&"x".repeat(300)).with_suffix("0123456789");
        assert_eq!(long.as_str().len(), Slug::MAX);
        assert_eq!(Slug::parse(long.as_str()).as_ref(), Ok(&long));
    }

    #[test]
    fn refuses_what_no_host_name_holds() {
        for raw in ["", "Acme", "a b", "-a", "a-", "é", &"a".repeat(64)] {
            assert_eq!(Slug::parse(raw), Err(SlugError), "{raw}");
        }
    }
}

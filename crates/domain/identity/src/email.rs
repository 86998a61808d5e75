use unicode_normalization::UnicodeNormalization;

/// An e-mail address: trimmed, NFC-normalised, kept as typed, compared without case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    address: String,
    key: String,
}

/// Why an e-mail address was refused. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// More than [`Email::MAX`] characters.
    #[error("must have at most 254 characters")]
    TooLong,
    /// Not of the form `local@domain`.
    #[error("must be an e-mail address")]
    Malformed,
}

impl Email {
    /// The most characters (RFC 5321, section 4.5.3.1.3, less the angle brackets).
    pub const MAX: usize = 254;

    /// Parses `raw`. The check is that of mail systems in practice rather than all of RFC 5322: one `@`, no white
    /// space or control characters, a local part of at most 64 characters and a domain of dot-separated labels.
    ///
    /// # Errors
    /// [`EmailError`] says which rule was broken.
    pub fn parse(raw: &str) -> Result<Self, EmailError> {
        let address: String = raw.trim().nfc().collect();
        if address.chars().count() > Self::MAX {
            return Err(EmailError::TooLong);
        }
        let (local, domain) = address.rsplit_once('@').ok_or(EmailError::Malformed)?;
        if !is_local_part(local) || !is_domain(domain) {
            return Err(EmailError::Malformed);
        }
        let key = address.to_lowercase().nfc().collect();
        Ok(Self { address, key })
    }

    /// The address as typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.address
    }

    /// What two spellings of the same address have in common.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The part before the `@`.
    #[must_use]
    pub fn local_part(&self) -> &str {
        self.address.rsplit_once('@').map_or(self.address.as_str(), |(local, _)| local)
    }
}

fn is_local_part(local: &str) -> bool {
    let plain = |character: char| {
        !character.is_whitespace() && !character.is_control() && !"@<>()[],;:\\\"".contains(character)
    };
    (1..=64).contains(&local.chars().count())
        && local.chars().all(plain)
        && local.split('.').all(|atom| !atom.is_empty())
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.chars().count())
            && label.chars().all(|character| character.is_alphanumeric() || character == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain == "localhost" || (domain.contains('.') && domain.split('.').all(is_label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_spelling_and_compares_without_case() {
        let email = Email::parse("  Ada.Lovelace@Example.COM ").unwrap();
        assert_eq!(email.as_str(), "Ada.Lovelace@Example.COM");
        assert_eq!(email.key(), "ada.lovelace@example.com");
        assert_eq!(email.local_part(), "Ada.Lovelace");
    }

    #[test]
    fn composed_and_decomposed_spellings_are_one_address() {
        let composed = Email::parse("jos\u{e9}@example.com").unwrap();
        let decomposed = Email::parse("jose\u{301}@example.com").unwrap();
        assert_eq!(composed.key(), decomposed.key());
    }

    #[test]
    fn refuses_what_no_mail_reaches() {
        for raw in [
            "",
            "a",
            "@b.c",
            "a@",
            "a@b",
            "a b@c.de",
            "a@b..c",
            "a@-b.c",
            "a@b.c\u{0}",
            "a\n@b.cd",
            "<a@b.cd>",
            "a..b@c.de",
            ".a@c.de",
            "a@@b.cd",
        ] {
            assert_eq!(Email::parse(raw), Err(EmailError::Malformed), "{raw:?}");
        }
        let long = format!("{}@example.com", "a".repeat(250));
        assert_eq!(Email::parse(&long), Err(EmailError::TooLong));
    }
}

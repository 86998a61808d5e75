use std::{fmt, sync::Arc};

use zxcvbn::{Score, matching::patterns::MatchPattern};

use super::common::is_common;
use crate::{Email, FullName, Password, Username, ports::BreachedPasswords};

/// A password is too easy to guess. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// One of the passwords and words that are tried first.
    #[error("is a common password, which is among the first to be tried")]
    Common,
    /// What anybody knows of the person.
    #[error("must not be the e-mail address, the username or the name")]
    Personal,
    /// The password so far.
    #[error("must not be the current password")]
    Unchanged,
    /// Too few estimated guesses.
    #[error("is too easy to guess: a few more words make it better than signs and digits do")]
    Guessable,
    /// Somebody's password, stolen and published.
    #[error("is known from a data breach: choose one that was never used elsewhere")]
    Breached,
}

/// Whose password it is to be.
#[derive(Debug, Clone, Copy)]
pub struct PasswordOwner<'a> {
    /// Where mail reaches them.
    pub email: &'a Email,
    /// The name to sign in with.
    pub username: &'a Username,
    /// Their name.
    pub full_name: Option<&'a FullName>,
}

/// Which passwords are good enough: not common, not personal, not breached, and hard to guess by the estimate of
/// zxcvbn (Wheeler, USENIX Security 2016).
#[derive(Clone)]
pub struct PasswordPolicy {
    min_score: u8,
    breached: Option<Arc<dyn BreachedPasswords>>,
}

impl PasswordPolicy {
    /// A policy that asks for at least `min_score`, 0 (anything) to 4 (more than 10^10 guesses); more counts as 4.
    #[must_use]
    pub fn new(min_score: u8) -> Self {
        Self { min_score: min_score.min(4), breached: None }
    }

    /// The policy that looks passwords up in `breached`, too.
    #[must_use]
    pub fn with_breached(self, breached: Arc<dyn BreachedPasswords>) -> Self {
        Self { breached: Some(breached), ..self }
    }

    /// Checks a new `password` of `owner`. Slow (milliseconds, and a look-up elsewhere), so it belongs where hashing
    /// does: outside of any transaction.
    ///
    /// # Errors
    /// [`WeakPassword`] says why it is too weak.
    pub async fn check(&self, password: &Password, owner: &PasswordOwner<'_>) -> Result<(), WeakPassword> {
        self.check_alone(password, owner)?;
        match &self.breached {
            Some(breached) if breached.contains(password).await => Err(WeakPassword::Breached),
            _ => Ok(()),
        }
    }

    /// All that needs nobody else.
    fn check_alone(&self, password: &Password, owner: &PasswordOwner<'_>) -> Result<(), WeakPassword> {
        let folded = password.expose().to_lowercase();
        if is_personal(&folded, owner) {
            return Err(WeakPassword::Personal);
        }
        if is_common(&folded) {
            return Err(WeakPassword::Common);
        }
        let known = [
            owner.email.as_str(),
            owner.email.local_part(),
            owner.username.as_str(),
            owner.full_name.map_or("", FullName::as_str),
        ];
        let estimate = zxcvbn::zxcvbn(password.expose(), &known);
        if is_one_listed_word(&estimate, password.expose()) {
            return Err(WeakPassword::Common);
        }
        if score_number(estimate.score()) < self.min_score { Err(WeakPassword::Guessable) } else { Ok(()) }
    }
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self::new(1)
    }
}

impl fmt::Debug for PasswordPolicy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let looks_up = self.breached.is_some();
        formatter
            .debug_struct("PasswordPolicy")
            .field("min_score", &self.min_score)
            .field("breached", &looks_up)
            .finish()
    }
}

/// Whether the password says what everybody knows of its owner, however it is spaced or punctuated.
fn is_personal(folded: &str, owner: &PasswordOwner<'_>) -> bool {
    let bare = letters_and_digits(folded);
    let known = [owner.email.as_str(), owner.email.local_part(), owner.username.as_str()];
    known.into_iter().chain(owner.full_name.map(FullName::as_str)).any(|text| {
        let text = text.to_lowercase();
        text == folded || (!bare.is_empty() && letters_and_digits(&text) == bare)
    })
}

fn letters_and_digits(text: &str) -> String {
    text.chars().filter(|character| character.is_alphanumeric()).collect()
}

/// Whether the whole password is a single entry of the lists of common passwords, names and words, perhaps reversed,
/// capitalised or with digits for letters.
fn is_one_listed_word(estimate: &zxcvbn::Entropy, password: &str) -> bool {
    match estimate.sequence() {
        [only] => matches!(only.pattern, MatchPattern::Dictionary(_)) && only.token.len() == password.len(),
        _ => false,
    }
}

fn score_number(score: Score) -> u8 {
    match score {
        Score::Zero => 0,
        Score::One => 1,
        Score::Two => 2,
        Score::Three => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;

    async fn verdict_by(policy: &PasswordPolicy, raw: &str) -> Result<(), WeakPassword> {
        let email = Email::parse("countess@example.com").unwrap();
        let username = Username::parse("ada-lovelace").unwrap();
        let full_name = FullName::parse("Augusta Ada King").unwrap();
        let owner = PasswordOwner { email: &email, username: &username, full_name: Some(&full_name) };
        policy.check(&Password::parse(raw).unwrap(), &owner).await
    }

    async fn verdict(raw: &str) -> Result<(), WeakPassword> {
        verdict_by(&PasswordPolicy::default(), raw).await
    }

    #[tokio::test]
    async fn c11_common_passwords_are_weak() {
        for raw in ["password", "iloveyou", "Password1", "P@ssw0rd", "drowssap", "1qaz2wsx", "Qwerty123", "!QAZ2wsx"] {
            assert_eq!(verdict(raw).await, Err(WeakPassword::Common), "{raw}");
        }
        assert_eq!(verdict("aaaaaaaa").await, Err(WeakPassword::Guessable));
        for raw in ["SecurePass123!", "correct horse battery staple"] {
            assert_eq!(verdict(raw).await, Ok(()), "{raw}");
        }
    }

    #[tokio::test]
    async fn c11_common_passwords_are_weak_whatever_the_score_asked_for() {
        let any_score = PasswordPolicy::new(0);
        assert_eq!(verdict_by(&any_score, "password").await, Err(WeakPassword::Common));
        assert_eq!(verdict_by(&any_score, "aaaabaaa").await, Ok(()));
    }

    #[tokio::test]
    async fn c11_what_is_known_of_the_owner_is_no_password() {
        for raw in [
            "COUNTESS@example.com",
            "countess",
            "Countess!",
            "Ada-Lovelace",
            "ada_lovelace",
            "AdaLovelace",
            "augusta ada king",
            "AugustaAdaKing",
            "Augusta-Ada-King.",
        ] {
            assert_eq!(verdict(raw).await, Err(WeakPassword::Personal), "{raw}");
        }
        assert_eq!(verdict("Ada-Lovelace wrote the first program").await, Ok(()));
        // Without letters and digits it says nothing of anybody.
        assert_ne!(verdict("!\"§$%&/()=?*+~").await, Err(WeakPassword::Personal));
    }

    struct Breach(&'static str);

    #[async_trait]
    impl BreachedPasswords for Breach {
        async fn contains(&self, password: &Password) -> bool {
            password.expose() == self.0
        }
    }

    #[tokio::test]
    async fn c11_breached_passwords_are_weak() {
        let policy = PasswordPolicy::default().with_breached(Arc::new(Breach("correct horse battery staple")));
        let breached = verdict_by(&policy, "correct horse battery staple").await;
        assert_eq!(breached, Err(WeakPassword::Breached));
        assert_eq!(verdict_by(&policy, "correct horse battery stable").await, Ok(()));
    }
}

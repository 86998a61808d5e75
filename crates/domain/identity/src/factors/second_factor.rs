use std::fmt;

use chrono::{DateTime, Utc};
use tenantry_kernel::UserId;

use crate::ports::SecondFactorRepository;

/// The secret that an authenticator app and we share, encrypted. Only the adapter that made it can use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedTotpSecret(Vec<u8>);

impl SealedTotpSecret {
    /// What the adapter made or the store kept.
    #[must_use]
    pub fn from_stored(sealed: Vec<u8>) -> Self {
        Self(sealed)
    }

    /// The encrypted bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// An account's authenticator app. Until it is confirmed, signing in does not ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totp {
    /// Whose it is; an account has one at most.
    pub user_id: UserId,
    /// What its codes are made from.
    pub secret: SealedTotpSecret,
    /// The time step of the latest code that was accepted: neither that one nor an older one is accepted again.
    pub last_step: Option<i64>,
    /// When its first code proved that the app has the secret.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// When the secret was made.
    pub created_at: DateTime<Utc>,
}

impl Totp {
    /// An app that has yet to prove that it has the secret.
    #[must_use]
    pub fn pending(user_id: UserId, secret: SealedTotpSecret, now: DateTime<Utc>) -> Self {
        Self { user_id, secret, last_step: None, confirmed_at: None, created_at: now }
    }

    /// The app after its first code, that of `step`.
    #[must_use]
    pub fn confirmed(mut self, step: i64, now: DateTime<Utc>) -> Self {
        self.last_step = Some(step);
        self.confirmed_at = Some(now);
        self
    }
}

/// What an authenticator app has to be told. It is shown once, and to its owner only.
#[derive(Clone)]
pub struct TotpSetup {
    /// The secret in base32, to type.
    pub secret: String,
    /// The same for programs: `otpauth://totp/…`.
    pub otpauth_url: String,
    /// The same to be scanned: an SVG image.
    pub qr_svg: String,
}

impl fmt::Debug for TotpSetup {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TotpSetup([redacted])")
    }
}

/// A text is no code of an authenticator app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 6 digits")]
pub struct TotpCodeError;

/// A code of an authenticator app: six digits.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpCode(String);

impl TotpCode {
    /// The code as typed; apps show it with a space in the middle.
    ///
    /// # Errors
    /// [`TotpCodeError`].
    pub fn parse(raw: &str) -> Result<Self, TotpCodeError> {
        let digits: String = raw.chars().filter(|c| *c != ' ').take(7).collect();
        let is_code = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_code { Ok(Self(digits)) } else { Err(TotpCodeError) }
    }

    /// The six digits.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TotpCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TotpCode([redacted])")
    }
}

/// A text is no recovery code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a recovery code: 16 letters and digits")]
pub struct RecoveryCodeError;

/// A code to keep on paper, which stands in for the authenticator app once.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(String);

impl RecoveryCode {
    /// How many letters and digits it has.
    pub const LENGTH: usize = 16;
    /// How many of them stand together.
    const GROUP: usize = 4;

    /// The code as typed: capitals, spaces and hyphens don't matter.
    ///
    /// # Errors
    /// [`RecoveryCodeError`].
    pub fn parse(raw: &str) -> Result<Self, RecoveryCodeError> {
        let kept = raw.chars().filter(|c| !matches!(c, ' ' | '-')).take(Self::LENGTH + 1);
        let code: String = kept.map(|c| c.to_ascii_lowercase()).collect();
        let is_code = code.len() == Self::LENGTH && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_code { Ok(Self(code)) } else { Err(RecoveryCodeError) }
    }

    /// The letters and digits alone.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The code for people: four groups of four.
    #[must_use]
    pub fn grouped(&self) -> String {
        let mut text = String::with_capacity(Self::LENGTH + Self::LENGTH / Self::GROUP);
        for (position, c) in self.0.chars().enumerate() {
            if position > 0 && position % Self::GROUP == 0 {
                text.push('-');
            }
            text.push(c);
        }
        text
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RecoveryCode([redacted])")
    }
}

/// What is stored of a recovery code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryCodeDigest(Vec<u8>);

impl RecoveryCodeDigest {
    /// What the adapter computed.
    #[must_use]
    pub fn from_bytes(digest: Vec<u8>) -> Self {
        Self(digest)
    }

    /// The digest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What somebody answers when they are asked for their second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecondFactorAnswer {
    /// A code of the authenticator app.
    Code(TotpCode),
    /// A recovery code.
    Recovery(RecoveryCode),
}

/// A text is neither kind of code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a code of the authenticator app or a recovery code")]
pub struct SecondFactorAnswerError;

impl SecondFactorAnswer {
    /// Whichever code `raw` is.
    ///
    /// # Errors
    /// [`SecondFactorAnswerError`].
    pub fn parse(raw: &str) -> Result<Self, SecondFactorAnswerError> {
        let code = TotpCode::parse(raw).map(Self::Code);
        code.or_else(|_| RecoveryCode::parse(raw).map(Self::Recovery)).or(Err(SecondFactorAnswerError))
    }
}

/// That an answer was right when it was checked. It has to be used up within the transaction that relies on it, which
/// only one transaction can.
#[derive(Debug)]
pub struct SecondFactorProof {
    pub(crate) user_id: UserId,
    pub(crate) factor: ProvedFactor,
}

/// Which factor was proved.
#[derive(Debug)]
pub(crate) enum ProvedFactor {
    /// The app with this secret, by the code of this time step.
    Totp { secret: SealedTotpSecret, step: i64 },
    /// Whichever recovery code has this digest; whether there is one shows when it is used.
    Recovery(RecoveryCodeDigest),
}

impl SecondFactorProof {
    /// Uses the answer up; tells whether it was still good.
    ///
    /// # Errors
    /// [`tenantry_kernel::StorageError`].
    pub async fn use_up(
        &self,
        factors: &mut dyn SecondFactorRepository,
        now: DateTime<Utc>,
    ) -> Result<bool, tenantry_kernel::StorageError> {
        match &self.factor {
            ProvedFactor::Totp { secret, step } => factors.accept_step(self.user_id, secret, *step).await,
            ProvedFactor::Recovery(digest) => factors.use_recovery_code(self.user_id, digest, now).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_taken_as_apps_show_them() {
        assert_eq!(TotpCode::parse("123 456").unwrap().expose(), "123456");
        for wrong in ["", "12345", "1234567", "12345a", "１２３４５６", "123\t456"] {
            assert_eq!(TotpCode::parse(wrong), Err(TotpCodeError), "{wrong}");
        }
    }

    #[test]
    fn recovery_codes_are_taken_as_people_type_them() {
        let code = RecoveryCode::parse("ABCD efgh-jkmn2345").unwrap();
        assert_eq!((code.expose(), code.grouped().as_str()), ("abcdefghjkmn2345", "abcd-efgh-jkmn-2345"));
        for wrong in ["", "abcd-efgh-jkmn-234", "abcd-efgh-jkmn-23456", "abcd-efgh-jkmn-23é5"] {
            assert_eq!(RecoveryCode::parse(wrong), Err(RecoveryCodeError), "{wrong}");
        }
    }

    #[test]
    fn an_answer_is_either() {
        assert!(matches!(SecondFactorAnswer::parse("123456"), Ok(SecondFactorAnswer::Code(_))));
        assert!(matches!(SecondFactorAnswer::parse("abcd-efgh-jkmn-2345"), Ok(SecondFactorAnswer::Recovery(_))));
        assert_eq!(SecondFactorAnswer::parse("hunter2"), Err(SecondFactorAnswerError));
    }

    #[test]
    fn nothing_secret_is_printed() {
        let setup = TotpSetup { secret: "S".into(), otpauth_url: "U".into(), qr_svg: "Q".into() };
        let code = RecoveryCode::parse("abcdefghjkmn2345").unwrap();
        assert_eq!(format!("{setup:?} {code:?}"), "TotpSetup([redacted]) RecoveryCode([redacted])");
    }
}

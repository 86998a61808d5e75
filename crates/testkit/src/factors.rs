use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tenantry_identity::{
    AccessTokenError, MfaClaims, PasswordFingerprint, PasswordHash, RecoveryCode, RecoveryCodeDigest, SealedTotpSecret,
    TotpCode, TotpSetup,
    ports::{MfaTokens, RecoveryCodes, TotpCodes},
};
use tenantry_kernel::{IdGenerator as _, SystemIds, UserId};

/// Second factors without secrets: the code of a time step is its number, and tokens are the numbers of their claims.
#[derive(Debug, Default)]
pub struct ClearFactors {
    issued: Mutex<Vec<MfaClaims>>,
}

impl ClearFactors {
    const STEP_SECONDS: i64 = 30;

    /// The code that an app shows at `now`.
    ///
    /// # Panics
    /// Never: the number has six digits.
    #[must_use]
    pub fn code(now: DateTime<Utc>) -> TotpCode {
        Self::code_of(now.timestamp() / Self::STEP_SECONDS)
    }

    fn code_of(step: i64) -> TotpCode {
        TotpCode::parse(&format!("{:06}", step % 1_000_000)).expect("six digits")
    }
}

impl TotpCodes for ClearFactors {
    fn enroll(&self, user_id: UserId, account: &str) -> (SealedTotpSecret, TotpSetup) {
        let setup = TotpSetup { secret: user_id.to_string(), otpauth_url: account.to_owned(), qr_svg: String::new() };
        (SealedTotpSecret::from_stored(SystemIds.next_id().as_bytes().to_vec()), setup)
    }

    fn matching_step(&self, _: UserId, _: &SealedTotpSecret, code: &TotpCode, now: DateTime<Utc>) -> Option<i64> {
        let current = now.timestamp() / Self::STEP_SECONDS;
        (current - 1..=current + 1).find(|step| Self::code_of(*step) == *code)
    }
}

impl RecoveryCodes for ClearFactors {
    fn generate(&self) -> RecoveryCode {
        let id = SystemIds.next_id().simple().to_string();
        RecoveryCode::parse(&id[id.len() - RecoveryCode::LENGTH..]).expect("letters and digits")
    }

    fn digest(&self, _: UserId, code: &RecoveryCode) -> RecoveryCodeDigest {
        RecoveryCodeDigest::from_bytes(code.expose().as_bytes().to_vec())
    }
}

impl MfaTokens for ClearFactors {
    fn issue(&self, claims: &MfaClaims) -> String {
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        issued.push(*claims);
        (issued.len() - 1).to_string()
    }

    fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<MfaClaims, AccessTokenError> {
        let issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        let claims = token.parse().ok().and_then(|number: usize| issued.get(number).copied());
        let claims = claims.ok_or(AccessTokenError::Invalid)?;
        if now < claims.expires_at { Ok(claims) } else { Err(AccessTokenError::Expired) }
    }

    fn fingerprint(&self, hash: &PasswordHash) -> PasswordFingerprint {
        let mut fingerprint = [0; 16];
        for (place, byte) in fingerprint.iter_mut().zip(hash.as_str().bytes().rev()) {
            *place = byte;
        }
        PasswordFingerprint(fingerprint)
    }
}

//! What is asked for besides the password: codes of authenticator apps, and recovery codes.

mod second_factor;
mod second_factors;

pub use second_factor::{
    RecoveryCode, RecoveryCodeDigest, RecoveryCodeError, SealedTotpSecret, SecondFactorAnswer, SecondFactorAnswerError,
    SecondFactorProof, Totp, TotpCode, TotpCodeError, TotpSetup,
};
pub use second_factors::{MfaChallenge, SecondFactorLimits, SecondFactors};

use chrono::{DateTime, Utc};
use qrcode::{QrCode, render::svg};
use tenantry_application::ports::Sealer as _;
use tenantry_identity::{SealedTotpSecret, TotpCode, TotpSetup, ports::TotpCodes};
use tenantry_kernel::UserId;
use totp_rs::{Builder, Totp};

use crate::{keys::DerivedKeys, random::random_bytes, sealing::SealedBox};

/// 160 bits, as RFC 4226 asks for.
const SECRET: usize = 20;
/// The least width and height of an image, in pixels.
const QR_SIZE: u32 = 240;

/// Codes of authenticator apps, from secrets that are encrypted at rest and bound to their user.
pub struct SealedTotpCodes {
    sealed_box: SealedBox,
    issuer: String,
}

impl SealedTotpCodes {
    /// Codes that apps show under the name `issuer`, which has no colon.
    #[must_use]
    pub fn new(keys: &DerivedKeys, issuer: &str) -> Self {
        Self { sealed_box: SealedBox::new(keys), issuer: issuer.to_owned() }
    }
}

/// What a secret is sealed for.
fn context(user_id: UserId) -> Vec<u8> {
    [&b"totp"[..], user_id.as_uuid().as_bytes()].concat()
}

/// What apps take for granted: SHA-1, 6 digits, 30 seconds; and one step of skew (RFC 6238, section 5.2).
fn builder(secret: Vec<u8>) -> Builder {
    Builder::new().with_secret(secret)
}

impl TotpCodes for SealedTotpCodes {
    #[expect(
        clippy::expect_used,
        reason = "neither address nor issuer has a colon, and together they fit into an image"
    )]
    fn enroll(&self, user_id: UserId, account: &str) -> (SealedTotpSecret, TotpSetup) {
        let secret = random_bytes::<SECRET>();
        let sealed = self.sealed_box.seal(&secret, &context(user_id));
        let app = builder(secret.to_vec()).with_account_name(account.replace(':', "_"));
        let app = app.with_issuer(Some(self.issuer.clone())).build().expect("the secret is long enough");
        let otpauth_url = app.to_url().expect("the account has a name");
        let qr_svg = QrCode::new(&otpauth_url).expect("the URL fits into an image");
        let setup = TotpSetup {
            secret: app.secret().to_base32(),
            otpauth_url,
            qr_svg: qr_svg.render::<svg::Color<'_>>().min_dimensions(QR_SIZE, QR_SIZE).build(),
        };
        (SealedTotpSecret::from_stored(sealed), setup)
    }

    fn matching_step(
        &self,
        user_id: UserId,
        secret: &SealedTotpSecret,
        code: &TotpCode,
        now: DateTime<Utc>,
    ) -> Option<i64> {
        let Some(secret) = self.sealed_box.open(secret.as_bytes(), &context(user_id)) else {
            tracing::error!(%user_id, "the secret of an authenticator app can't be opened: it was sealed under another key");
            return None;
        };
        let app: Totp = builder(secret).build().ok()?;
        let step = app.check(code.expose(), u64::try_from(now.timestamp()).ok()?)?;
        i64::try_from(step).ok()
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;
    use uuid::Uuid;

    use super::*;

    const STEP_SECONDS: i64 = 30;

    fn user(id: u128) -> UserId {
        UserId::from_uuid(Uuid::from_u128(id))
    }

    fn codes(secret: &str) -> SealedTotpCodes {
        SealedTotpCodes::new(&DerivedKeys::derive(&SecretString::from(secret), None), "Tenantry")
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    /// The last six of the eight digits in RFC 6238, appendix B, for SHA-1.
    #[test]
    fn rfc_6238_test_vectors() {
        let codes = codes("a secret");
        let secret = codes.sealed_box.seal(b"12345678901234567890", &context(user(1)));
        let secret = SealedTotpSecret::from_stored(secret);
        for (time, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let step = time / STEP_SECONDS;
            let code = TotpCode::parse(code).unwrap();
            for (skew, wanted) in [(0, Some(step)), (-30, Some(step)), (30, Some(step)), (-60, None), (60, None)] {
                assert_eq!(codes.matching_step(user(1), &secret, &code, at(time + skew)), wanted, "{time} {skew}");
            }
        }
    }

    #[test]
    fn an_app_is_told_a_new_secret() {
        let codes = codes("a secret");
        let another = self::codes("another");
        let (sealed, setup) = codes.enroll(user(1), "ada+totp@example.com");
        let (other, _) = codes.enroll(user(1), "ada+totp@example.com");
        assert_ne!(sealed, other);
        assert_eq!(setup.secret.len(), 32);
        let wanted =
            format!("otpauth://totp/Tenantry:ada%2Btotp%40example%2Ecom?secret={}&issuer=Tenantry", setup.secret);
        assert_eq!(setup.otpauth_url.replace("%2E", "."), wanted.replace("%2E", "."));
        assert!(setup.qr_svg.contains("<svg ") && setup.qr_svg.ends_with("</svg>"), "{}", setup.qr_svg);

        let app =
            builder(totp_rs::Secret::try_from_base32(&setup.secret).unwrap().as_bytes().to_vec()).build().unwrap();
        let code = TotpCode::parse(&app.generate(1_700_000_000).to_string()).unwrap();
        let now = at(1_700_000_000);
        assert_eq!(codes.matching_step(user(1), &sealed, &code, now), Some(1_700_000_000 / STEP_SECONDS));
        // Neither another user nor another key can use it.
        assert_eq!(codes.matching_step(user(2), &sealed, &code, now), None);
        assert_eq!(another.matching_step(user(1), &sealed, &code, now), None);
    }

    #[test]
    fn the_longest_address_fits() {
        let account = format!("{}@{}.example", "ö".repeat(60), "ü".repeat(60));
        let (_, setup) = codes("a secret").enroll(user(1), &account);
        assert!(setup.otpauth_url.len() > 700, "{}", setup.otpauth_url);
    }
}

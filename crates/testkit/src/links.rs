use std::sync::Arc;

use chrono::Duration;
use tenantry_identity::{
    Email, LinkToken, Postbox, PostboxRules, RecipientDigest,
    ports::{LinkSecrets, Sealer},
};
use tenantry_kernel::{Clock, IdGenerator as _, SystemIds};

/// Tokens, hashes and seals without any secret: for tests of everything but cryptography.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClearLinks;

impl LinkSecrets for ClearLinks {
    fn generate(&self) -> LinkToken {
        LinkToken::parse(&format!("{:x<43}", SystemIds.next_id().simple().to_string())).expect("letters and digits")
    }

    fn digest_token(&self, token: &LinkToken) -> [u8; 32] {
        *token.expose().as_bytes().first_chunk().expect("43 bytes")
    }

    fn digest_recipient(&self, address: &Email) -> RecipientDigest {
        let mut digest = [0; 32];
        digest.iter_mut().zip(address.key().bytes()).for_each(|(into, byte)| *into = byte);
        RecipientDigest(digest)
    }
}

impl Sealer for ClearLinks {
    fn seal(&self, plain: &[u8], _context: &[u8]) -> Vec<u8> {
        plain.to_vec()
    }

    fn open(&self, sealed: &[u8], _context: &[u8]) -> Option<Vec<u8>> {
        Some(sealed.to_vec())
    }
}

/// A postbox that hides nothing, whose mails and links last a day.
#[must_use]
pub fn clear_postbox(clock: Arc<dyn Clock>) -> Postbox {
    let day = Duration::days(1);
    let rules = PostboxRules { keep: day, verify_email: day, reset_password: day, invitation: day };
    Postbox::new(Arc::new(ClearLinks), Arc::new(ClearLinks), rules, clock, Arc::new(SystemIds))
}

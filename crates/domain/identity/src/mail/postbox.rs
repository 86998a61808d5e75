use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use tenantry_kernel::{Clock, IdGenerator};

use crate::{
    Email, LinkDigest, LinkPurpose, LinkToken, Mail, MailId, OutgoingMail,
    ports::{LinkSecrets, Sealer},
};

/// A mail with its recipient, ready to be put into words and sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Which mail it is.
    pub id: MailId,
    /// Who gets it.
    pub to: Email,
    /// What it says.
    pub mail: Mail,
    /// When it was put into the outbox.
    pub created_at: DateTime<Utc>,
}

/// How long mails and their links last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostboxRules {
    /// After this long mails are forgotten, sent or not.
    pub keep: Duration,
    /// A link that proves an address.
    pub verify_email: Duration,
    /// A link to choose a new password.
    pub reset_password: Duration,
    /// An invitation, or a link to choose the first password of an account that somebody else made.
    pub invitation: Duration,
}

/// Seals mails for the outbox, so that a copy of the database tells neither who gets mail nor a link's token, and opens
/// them when they are sent.
pub struct Postbox {
    sealer: Arc<dyn Sealer>,
    secrets: Arc<dyn LinkSecrets>,
    rules: PostboxRules,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Content {
    to: String,
    mail: Mail,
}

impl Postbox {
    /// A postbox whose mails and links last as `rules` says.
    #[must_use]
    pub fn new(
        sealer: Arc<dyn Sealer>,
        secrets: Arc<dyn LinkSecrets>,
        rules: PostboxRules,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { sealer, secrets, rules, clock, ids }
    }

    /// The mail for the outbox. It takes no store, so it can be made before a transaction begins.
    #[must_use]
    pub fn seal(&self, to: &Email, mail: Mail) -> OutgoingMail {
        let id = MailId::generate(&*self.ids);
        let created_at = self.clock.now();
        let kind = mail.kind();
        let content = Content { to: to.as_str().to_owned(), mail };
        // Nothing in it can fail to be written: its maps have texts for keys.
        let plain = serde_json::to_vec(&content).unwrap_or_default();
        OutgoingMail {
            id,
            kind,
            recipient: self.secrets.digest_recipient(to),
            sealed: self.sealer.seal(&plain, &context(id)),
            created_at,
            expires_at: created_at + self.rules.keep,
        }
    }

    /// What [`Postbox::seal`] was given, unless somebody changed it or the secret of the installation is another.
    #[must_use]
    pub fn open(&self, mail: &OutgoingMail) -> Option<Letter> {
        let plain = self.sealer.open(&mail.sealed, &context(mail.id))?;
        let content: Content = serde_json::from_slice(&plain).ok()?;
        let to = Email::parse(&content.to).ok()?;
        Some(Letter { id: mail.id, to, mail: content.mail, created_at: mail.created_at })
    }

    /// A mail with a new link for `purpose`. It leads somewhere only once the mail is sent, if `to` has an account then.
    #[must_use]
    pub fn link(&self, to: &Email, purpose: LinkPurpose) -> OutgoingMail {
        let (token, now) = (self.new_token(), self.clock.now());
        let mail = match purpose {
            LinkPurpose::VerifyEmail => Mail::VerifyEmail { token, expires_at: now + self.rules.verify_email },
            LinkPurpose::ResetPassword => Mail::ResetPassword { token, expires_at: now + self.rules.reset_password },
        };
        self.seal(to, mail)
    }

    /// A mail with a link to choose the first password of an account that was made at `organization_name`.
    #[must_use]
    pub fn choose_password(&self, to: &Email, organization_name: &str) -> OutgoingMail {
        let mail = Mail::ChoosePassword {
            organization_name: organization_name.to_owned(),
            token: self.new_token(),
            expires_at: self.clock.now() + self.rules.invitation,
        };
        self.seal(to, mail)
    }

    /// The hash by which a token is stored and found.
    #[must_use]
    pub fn digest(&self, token: &LinkToken) -> LinkDigest {
        LinkDigest(self.secrets.digest_token(token))
    }

    /// How long mails and their links last.
    #[must_use]
    pub fn rules(&self) -> &PostboxRules {
        &self.rules
    }

    /// A new token for a link.
    #[must_use]
    pub fn new_token(&self) -> LinkToken {
        self.secrets.generate()
    }
}

/// Binds what is sealed to its row.
fn context(id: MailId) -> Vec<u8> {
    [b"outbox:", id.as_uuid().as_bytes().as_slice()].concat()
}

#[cfg(test)]
mod tests {
    use tenantry_kernel::{SystemClock, SystemIds};

    use super::*;
    use crate::RecipientDigest;

    /// Hides nothing, but tells whether value and context were changed.
    struct Glass;

    impl Sealer for Glass {
        fn seal(&self, plain: &[u8], context: &[u8]) -> Vec<u8> {
            [context, plain].concat()
        }

        fn open(&self, sealed: &[u8], context: &[u8]) -> Option<Vec<u8>> {
            sealed.strip_prefix(context).map(<[u8]>::to_vec)
        }
    }

    impl LinkSecrets for Glass {
        fn generate(&self) -> LinkToken {
            LinkToken::parse(&"t".repeat(LinkToken::LENGTH)).unwrap()
        }

        fn digest_token(&self, _token: &LinkToken) -> [u8; 32] {
            [0; 32]
        }

        fn digest_recipient(&self, address: &Email) -> RecipientDigest {
            let mut digest = [0; 32];
            digest.iter_mut().zip(address.key().bytes()).for_each(|(into, byte)| *into = byte);
            RecipientDigest(digest)
        }
    }

    fn postbox() -> Postbox {
        let rules = PostboxRules {
            keep: Duration::days(7),
            verify_email: Duration::days(3),
            reset_password: Duration::hours(1),
            invitation: Duration::days(5),
        };
        Postbox::new(Arc::new(Glass), Arc::new(Glass), rules, Arc::new(SystemClock), Arc::new(SystemIds))
    }

    #[test]
    fn what_is_sealed_can_be_opened() {
        let postbox = postbox();
        let to = Email::parse("Ada@Example.com").unwrap();
        let mail = Mail::ResetPassword { token: postbox.new_token(), expires_at: SystemClock.now() };
        let sealed = postbox.seal(&to, mail.clone());
        let letter = postbox.open(&sealed).unwrap();
        assert_eq!((letter.id, letter.to, letter.mail), (sealed.id, to, mail));
        assert_eq!(sealed.expires_at - sealed.created_at, Duration::days(7));
    }

    #[test]
    fn links_last_as_long_as_their_kind() {
        let postbox = postbox();
        let to = Email::parse("ada@example.com").unwrap();
        let lasts = |sealed: &OutgoingMail| {
            let mail = postbox.open(sealed).unwrap().mail;
            let (purpose, token, expires_at) = mail.account_link().unwrap();
            assert_eq!(postbox.digest(token), LinkDigest([0; 32]));
            (purpose, (expires_at - sealed.created_at).num_hours())
        };
        let (verify, reset) = (LinkPurpose::VerifyEmail, LinkPurpose::ResetPassword);
        // What is sealed later by an instant lasts not quite as long.
        assert_eq!(lasts(&postbox.link(&to, verify)), (verify, 71));
        assert_eq!(lasts(&postbox.link(&to, reset)), (reset, 0));
        assert_eq!(lasts(&postbox.choose_password(&to, "Engines")), (reset, 119));
    }

    #[test]
    fn one_mails_content_is_not_anothers() {
        let postbox = postbox();
        let to = Email::parse("ada@example.com").unwrap();
        let mail = || Mail::PasswordChanged { at: SystemClock.now(), ip_address: None };
        let (one, other) = (postbox.seal(&to, mail()), postbox.seal(&to, mail()));
        assert_eq!(postbox.open(&OutgoingMail { sealed: other.sealed, ..one }), None);
    }
}

use std::error::Error;

use chrono::{DateTime, Utc};
use tenantry_kernel::typed_id;

use crate::MailKind;

typed_id! {
    /// Names a mail for ever; its Message-ID is made of it.
    MailId
}

/// What tells two recipients apart without telling who they are: a keyed hash of the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RecipientDigest(pub [u8; 32]);

/// A mail that waits to be sent. Who gets it and what it says are sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingMail {
    /// Its name.
    pub id: MailId,
    /// Which kind it is.
    pub kind: MailKind,
    /// Who gets it, as far as others may know.
    pub recipient: RecipientDigest,
    /// Recipient and content; only the [`Postbox`](crate::Postbox) reads it.
    pub sealed: Vec<u8>,
    /// When it was put into the outbox.
    pub created_at: DateTime<Utc>,
    /// When it is forgotten, sent or not.
    pub expires_at: DateTime<Utc>,
}

/// A mail that one worker is to send now. Others take it over once the claim has run out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedMail {
    /// The mail.
    pub mail: OutgoingMail,
    /// Grows with each claim: what a worker reports counts only as long as the claim is its own.
    pub epoch: i64,
    /// How often it was claimed, this time included.
    pub attempts: u32,
}

/// How an attempt to send a mail ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// It was handed over.
    Sent,
    /// There was nobody to send it to, or no reason any more.
    Dropped {
        /// Why.
        reason: &'static str,
    },
    /// It failed, and is tried again.
    Postponed {
        /// Not before then.
        until: DateTime<Utc>,
        /// What went wrong.
        error: String,
    },
    /// It failed for good, and is kept for a while for an operator to look at.
    Dead {
        /// What went wrong.
        error: String,
    },
}

/// A mail was not accepted. The text holds no address and no content.
#[derive(Debug, thiserror::Error)]
pub enum MailRefusal {
    /// It may be accepted later: the server is away, busy or badly set up.
    #[error("the mail could not be handed over")]
    Temporary(#[source] Box<dyn Error + Send + Sync>),
    /// Mail is switched off.
    #[error("sending mail is switched off")]
    Disabled,
    /// It will never be accepted.
    #[error("the mail was refused")]
    Permanent(#[source] Box<dyn Error + Send + Sync>),
}

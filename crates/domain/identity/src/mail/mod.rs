//! What people are told by mail, from the moment it is decided until it is sent.
//!
//! A [`Mail`] is put into the outbox within the transaction that it tells of, sealed by the [`Postbox`]. A worker sends
//! it later, and then its content is gone. What people do with the links in mails is the business of [`MailedLinks`].

mod backoff;
mod link;
mod link_token;
mod mailed_links;
mod message;
mod outgoing;
mod postbox;

pub use backoff::Backoff;
pub use link::{LinkDigest, LinkPurpose, MailedLink, NewLink, PointlessLink};
pub use link_token::{InvalidLinkToken, LinkToken};
pub use mailed_links::MailedLinks;
pub use message::{Mail, MailKind};
pub use outgoing::{ClaimedMail, Delivery, MailId, MailRefusal, OutgoingMail, RecipientDigest};
pub use postbox::{Letter, Postbox, PostboxRules};

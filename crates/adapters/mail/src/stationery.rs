use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};
use tenantry_identity::{Letter, MailRefusal};

use crate::words::words;

const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");

/// How letters look.
#[derive(Debug, Clone)]
pub struct StationeryOptions {
    /// Who sends them: `name@example.com` or `Name <name@example.com>`.
    pub from: String,
    /// What the product is called.
    pub product: String,
    /// Where links lead, without a slash at the end.
    pub base_url: String,
}

/// Puts letters into words.
#[derive(Debug, Clone)]
pub struct Stationery {
    from: Mailbox,
    product: String,
    base_url: String,
}

/// The sender is no mailbox.
#[derive(Debug, thiserror::Error)]
#[error("the sender must be name@example.com or Name <name@example.com>")]
pub struct InvalidSender(#[source] lettre::address::AddressError);

impl Stationery {
    /// Stationery for letters that look so.
    ///
    /// # Errors
    /// [`InvalidSender`].
    pub fn new(options: StationeryOptions) -> Result<Self, InvalidSender> {
        let StationeryOptions { from, product, base_url } = options;
        Ok(Self { from: from.parse().map_err(InvalidSender)?, product, base_url })
    }

    /// The domain of the sender.
    pub(crate) fn domain(&self) -> &str {
        self.from.email.domain()
    }

    /// The letter in words. The same letter always has the same Message-ID.
    pub(crate) fn write(&self, letter: &Letter) -> Result<Message, MailRefusal> {
        let refused = |error: lettre::address::AddressError| MailRefusal::Permanent(error.into());
        let to: Address = letter.to.as_str().parse().map_err(refused)?;
        let content = words(&letter.mail, &self.product, &self.base_url);
        Message::builder()
            .message_id(Some(format!("<{}@{}>", letter.id, self.domain())))
            .date(letter.created_at.into())
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(content.subject())
            // RFC 3834: nobody's holiday notice should answer it.
            .raw_header(HeaderValue::new(AUTO_SUBMITTED, "auto-generated".to_owned()))
            .multipart(MultiPart::alternative_plain_html(content.text(), content.html()))
            .map_err(|error| MailRefusal::Permanent(error.into()))
    }
}

use std::error::Error;
use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use tenantry_identity::{
    Backoff, ClaimedMail, Delivery, Letter, Mail, MailRefusal, NewLink, OutgoingMail, PointlessLink, Postbox,
    ports::{LinkDesk, MailTransport, Outbox},
};
use tenantry_kernel::{Clock, IdGenerator, StorageError};

/// How mails are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryRules {
    /// When a failed mail is tried again.
    pub backoff: Backoff,
    /// How long one attempt may take; after that another worker takes the mail for abandoned.
    pub lease: Duration,
    /// How many mails of each limited kind one recipient gets within an hour.
    pub per_recipient_and_hour: u32,
}

/// Sends what waits in the outbox.
///
/// Each mail is handed over at least once: whoever dies between handing over and noting it leaves the mail to be sent
/// again, under the same Message-ID, since no protocol of mail lets both happen together. The link in it is the same, too,
/// and leads to an account from the first attempt on.
pub struct PostOffice {
    outbox: Arc<dyn Outbox>,
    links: Arc<dyn LinkDesk>,
    postbox: Arc<Postbox>,
    transport: Arc<dyn MailTransport>,
    rules: DeliveryRules,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl PostOffice {
    /// The characters of an error that are kept.
    const ERROR_LENGTH: usize = 500;

    /// The use case over these ports.
    #[must_use]
    pub fn new(
        outbox: Arc<dyn Outbox>,
        links: Arc<dyn LinkDesk>,
        postbox: Arc<Postbox>,
        transport: Arc<dyn MailTransport>,
        rules: DeliveryRules,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { outbox, links, postbox, transport, rules, clock, ids }
    }

    /// Claims at most `limit` mails that are due, for [`PostOffice::deliver`] to send at once.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn claim(&self, limit: u16) -> Result<Vec<ClaimedMail>, StorageError> {
        let now = self.clock.now();
        self.outbox.claim(now, now + self.rules.lease, limit).await
    }

    /// Tries to send one mail, and notes how that ended.
    ///
    /// # Errors
    /// [`StorageError`] when it could not be noted; the mail is tried again when the claim has run out.
    pub async fn deliver(&self, claimed: &ClaimedMail) -> Result<Delivery, StorageError> {
        let delivery = self.attempt(claimed).await?;
        let is_ours = self.outbox.settle(claimed, &delivery, self.clock.now()).await?;
        report(claimed, &delivery, is_ours);
        Ok(delivery)
    }

    async fn attempt(&self, claimed: &ClaimedMail) -> Result<Delivery, StorageError> {
        let mail = &claimed.mail;
        if claimed.attempts > self.rules.backoff.tries {
            return Ok(Delivery::Dead { error: "every worker that tried to send it died".to_owned() });
        }
        let Some(letter) = self.postbox.open(mail) else {
            return Ok(Delivery::Dead { error: "it was sealed with another secret".to_owned() });
        };
        if let Some(reason) = self.reason_to_drop(mail, &letter).await? {
            return Ok(Delivery::Dropped { reason });
        }
        if let Err(pointless) = self.connect_link(&letter).await? {
            return Ok(Delivery::Dropped { reason: pointless.reason() });
        }
        Ok(match self.transport.send(&letter).await {
            Ok(()) => Delivery::Sent,
            Err(MailRefusal::Disabled) => Delivery::Dropped { reason: "sending mail is switched off" },
            Err(error @ MailRefusal::Permanent(_)) => Delivery::Dead { error: whole_text(&error) },
            Err(error @ MailRefusal::Temporary(_)) => self.postpone(claimed.attempts, whole_text(&error)),
        })
    }

    async fn reason_to_drop(&self, mail: &OutgoingMail, letter: &Letter) -> Result<Option<&'static str>, StorageError> {
        if is_obsolete(&letter.mail, self.clock.now()) {
            return Ok(Some("its link has expired"));
        }
        if !mail.kind.is_limited() {
            return Ok(None);
        }
        let before = self.outbox.count_before(mail, mail.created_at - Duration::hours(1)).await?;
        let is_flood = before >= u64::from(self.rules.per_recipient_and_hour);
        Ok(is_flood.then_some("the recipient got enough of its kind"))
    }

    /// Makes the letter's link lead somewhere, if it has one.
    async fn connect_link(&self, letter: &Letter) -> Result<Result<(), PointlessLink>, StorageError> {
        let Some((purpose, token, expires_at)) = letter.mail.account_link() else { return Ok(Ok(())) };
        let link = NewLink {
            purpose,
            digest: self.postbox.digest(token),
            email: letter.to.clone(),
            issued_at: letter.created_at,
            expires_at,
        };
        self.links.issue(&link).await
    }

    fn postpone(&self, attempts: u32, error: String) -> Delivery {
        // The last byte of a UUIDv7 is random.
        let random = self.ids.next_id().as_bytes().last().copied().unwrap_or_default();
        match self.rules.backoff.after(attempts, random) {
            Some(wait) => Delivery::Postponed { until: self.clock.now() + wait, error },
            None => Delivery::Dead { error },
        }
    }
}

/// Whether nobody could use the mail any more.
fn is_obsolete(mail: &Mail, now: DateTime<Utc>) -> bool {
    match mail {
        Mail::VerifyEmail { expires_at, .. }
        | Mail::ResetPassword { expires_at, .. }
        | Mail::ChoosePassword { expires_at, .. }
        | Mail::Invitation { expires_at, .. } => *expires_at <= now,
        Mail::NewDevice { .. } | Mail::PasswordChanged { .. } => false,
    }
}

/// The error with its causes, cut to a length that is worth keeping.
fn whole_text(error: &MailRefusal) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text.chars().take(PostOffice::ERROR_LENGTH).collect()
}

fn report(claimed: &ClaimedMail, delivery: &Delivery, is_ours: bool) {
    let (mail_id, kind, attempts) = (claimed.mail.id, claimed.mail.kind.as_str(), claimed.attempts);
    if !is_ours {
        tracing::warn!(%mail_id, kind, "sending a mail took so long that another worker has it now");
    }
    match delivery {
        Delivery::Sent => tracing::info!(%mail_id, kind, attempts, "a mail was sent"),
        Delivery::Dropped { reason } => tracing::info!(%mail_id, kind, reason, "a mail was not sent"),
        Delivery::Postponed { until, error } => {
            tracing::warn!(%mail_id, kind, attempts, %until, error, "a mail could not be sent and will be tried again");
        }
        Delivery::Dead { error } => tracing::error!(%mail_id, kind, attempts, error, "a mail could not be sent"),
    }
}

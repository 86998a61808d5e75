//! The outbox and those who empty it.

use std::sync::Arc;

use tenantry_application::{DeliveryRules, PostOffice};
use tenantry_credentials::{RandomLinkSecrets, SealedBox};
use tenantry_identity::ports::MailTransport;
use tenantry_identity::{Backoff, Postbox, PostboxRules};
use tenantry_mail::{DirectoryTransport, NoTransport, SmtpOptions, SmtpTransport, Stationery, StationeryOptions};

use super::ground::{Ground, lasting};
use crate::failure::Failure;
use crate::settings::{MailTransportKind, Settings};

/// What has to do with mail.
pub(super) struct MailParts {
    /// Seals mails for the outbox.
    pub postbox: Arc<Postbox>,
    /// Sends what is in the outbox.
    pub post_office: Arc<PostOffice>,
}

impl MailParts {
    pub fn new(ground: &Ground<'_>) -> Result<Self, Failure> {
        let postbox = Arc::new(postbox(ground)?);
        let post_office = PostOffice::new(
            ground.store(),
            ground.store(),
            postbox.clone(),
            transport(ground.settings)?,
            rules(ground.settings)?,
            ground.clock(),
            ground.ids(),
        );
        Ok(Self { postbox, post_office: Arc::new(post_office) })
    }
}

fn postbox(ground: &Ground<'_>) -> Result<Postbox, Failure> {
    let Ground { settings, keys, .. } = ground;
    let (sealer, secrets) = (Arc::new(SealedBox::new(keys)), Arc::new(RandomLinkSecrets::new(keys)));
    let rules = PostboxRules {
        keep: lasting(settings.mail.keep)?,
        verify_email: lasting(settings.auth.verify_email_lifetime)?,
        reset_password: lasting(settings.auth.reset_password_lifetime)?,
        invitation: lasting(settings.auth.invitation_lifetime)?,
    };
    Ok(Postbox::new(sealer, secrets, rules, ground.clock(), ground.ids()))
}

fn transport(settings: &Settings) -> Result<Arc<dyn MailTransport>, Failure> {
    let mail = &settings.mail;
    let stationery = Stationery::new(StationeryOptions {
        from: mail.from.clone(),
        product: mail.product_name.clone(),
        base_url: mail.link_base_url(settings.server.base_url(settings.server.port)),
    })
    .map_err(|error| Failure::configuration(format!("`mail.from`: {error}")))?;
    if settings.profile.is_production() && mail.transport != MailTransportKind::Smtp {
        tracing::warn!("no mail leaves this machine: `mail.transport` is not smtp");
    }
    Ok(match (mail.transport, &mail.smtp_url) {
        (MailTransportKind::Smtp, Some(url)) => {
            let options = SmtpOptions { url: url.clone(), authorities: mail.smtp_ca_file(), timeout: mail.timeout };
            Arc::new(SmtpTransport::new(stationery, &options).map_err(Failure::configuration)?)
        }
        (MailTransportKind::Directory, _) => {
            Arc::new(DirectoryTransport::new(stationery, mail.directory(&settings.data.directory)))
        }
        _ => Arc::new(NoTransport),
    })
}

fn rules(settings: &Settings) -> Result<DeliveryRules, Failure> {
    let mail = &settings.mail;
    Ok(DeliveryRules {
        backoff: Backoff { first: lasting(mail.retry)?, longest: lasting(mail.longest_retry)?, tries: mail.max_tries },
        // Time to note the outcome as well.
        lease: lasting(mail.timeout)? + chrono::Duration::seconds(30),
        per_recipient_and_hour: mail.per_recipient_per_hour,
    })
}

//! The outbox and those who empty it.

use std::sync::Arc;

use tenantry_application::{DeliveryRules, PostOffice};
use tenantry_credentials::{DerivedKeys, RandomLinkSecrets, SealedBox};
use tenantry_identity::ports::MailTransport;
use tenantry_identity::{Backoff, Postbox, PostboxRules};
use tenantry_kernel::{Clock, IdGenerator};
use tenantry_mail::{DirectoryTransport, NoTransport, SmtpOptions, SmtpTransport, Stationery, StationeryOptions};
use tenantry_store::Database;

use super::lasting;
use crate::failure::Failure;
use crate::settings::{MailTransportKind, Settings};

/// Seals mails for the outbox.
pub(super) fn postbox(
    settings: &Settings,
    keys: &DerivedKeys,
    clock: &Arc<dyn Clock>,
    ids: &Arc<dyn IdGenerator>,
) -> Result<Arc<Postbox>, Failure> {
    let (sealer, secrets) = (Arc::new(SealedBox::new(keys)), Arc::new(RandomLinkSecrets::new(keys)));
    let rules = PostboxRules {
        keep: lasting(settings.mail.keep)?,
        verify_email: lasting(settings.auth.verify_email_lifetime)?,
        reset_password: lasting(settings.auth.reset_password_lifetime)?,
        invitation: lasting(settings.auth.invitation_lifetime)?,
    };
    Ok(Arc::new(Postbox::new(sealer, secrets, rules, clock.clone(), ids.clone())))
}

/// Sends what is in the outbox.
pub(super) fn post_office(
    settings: &Settings,
    database: &Database,
    postbox: &Arc<Postbox>,
    clock: &Arc<dyn Clock>,
    ids: &Arc<dyn IdGenerator>,
) -> Result<Arc<PostOffice>, Failure> {
    let store = Arc::new(database.clone());
    let office = PostOffice::new(
        store.clone(),
        store,
        postbox.clone(),
        transport(settings)?,
        rules(settings)?,
        clock.clone(),
        ids.clone(),
    );
    Ok(Arc::new(office))
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

//! The use cases of the API.

use std::sync::Arc;

use chrono::Duration;
use tenantry_application::{
    Acceptance, AccountExporter, ApiKeys, Hiring, IdempotentRequests, Invitations, Jobs, Members, OrganizationDeletion,
    PlatformAdministration, Profile, ProjectDeletion, SignUp,
};
use tenantry_credentials::{RandomApiKeys, RandomOneTimePasswords, SealedBox};
use tenantry_http::Services;
use tenantry_identity::{ApiKeyGate, MailedLinks};
use tenantry_tasks::Tasks;
use tenantry_tenancy::{AuditLog, Entrance, InvitationDoor, Organizations, Projects};

use super::ground::{Ground, lasting};
use super::passwords::PasswordParts;
use super::post::MailParts;
use super::readings::ReadingParts;
use super::sessions::SessionParts;
use super::sync::SyncParts;
use crate::failure::Failure;

/// Joins them.
pub(super) fn assemble(
    ground: &Ground<'_>,
    passwords: &PasswordParts,
    mail: &MailParts,
    sessions: &SessionParts,
    sync: &SyncParts,
    readings: &ReadingParts,
) -> Result<Services, Failure> {
    let Ground { store, clock, ids, .. } = ground;
    let (accounts, revocations) = (&sessions.accounts, &sessions.revocations);
    let register = || passwords.registration(ground);
    let entrance = Arc::new(Entrance::new(store.clone()));
    let sign_up = SignUp::new(
        register(),
        store.clone(),
        sessions.tokens.clone(),
        mail.postbox.clone(),
        clock.clone(),
        ids.clone(),
    );
    let profile =
        Profile::new(accounts.clone(), store.clone(), store.clone(), revocations.clone(), clock.clone(), ids.clone());
    let exporter = AccountExporter::new(
        entrance.clone(),
        ground.store(),
        ground.store(),
        ground.store(),
        ground.store(),
        clock.clone(),
        ids.clone(),
    );
    let hiring = Hiring::new(
        register(),
        Arc::new(RandomOneTimePasswords),
        mail.postbox.clone(),
        store.clone(),
        clock.clone(),
        ids.clone(),
    );
    let invitations = Invitations::new(store.clone(), mail.postbox.clone(), clock.clone(), ids.clone());
    let deletion = OrganizationDeletion::new(store.clone(), accounts.clone(), clock.clone(), ids.clone());
    let platform = PlatformAdministration::new(store.clone(), accounts.clone(), clock.clone(), ids.clone());
    let jobs = Jobs::new(store.clone(), clock.clone(), ids.clone(), ground.settings.mail.max_tries);
    let api_key_gate = Arc::new(api_key_gate(ground, sessions));
    let api_keys =
        ApiKeys::new(store.clone(), Arc::new(RandomApiKeys), api_key_gate.clone(), clock.clone(), ids.clone());
    Ok(Services {
        authenticator: sessions.authenticator.clone(),
        api_key_gate,
        api_keys: Arc::new(api_keys),
        entrance,
        sign_up: Arc::new(sign_up),
        sign_in: Arc::new(sessions.sign_in(ground)),
        mailed_links: Arc::new(mailed_links(ground, passwords, mail, sessions)),
        invitations: Arc::new(invitations),
        acceptance: Arc::new(acceptance(ground, passwords, mail, sessions)),
        hiring: Arc::new(hiring),
        members: Arc::new(Members::new(store.clone(), accounts.clone(), clock.clone(), ids.clone())),
        accounts: accounts.clone(),
        second_factors: sessions.second_factors.clone(),
        profile: Arc::new(profile),
        exporter: Arc::new(exporter),
        organizations: Arc::new(Organizations::new(store.clone(), clock.clone(), ids.clone())),
        organization_deletion: Arc::new(deletion),
        projects: Arc::new(Projects::new(store.clone(), clock.clone(), ids.clone())),
        project_deletion: Arc::new(ProjectDeletion::new(store.clone(), clock.clone())),
        cycles: sync.cycles.clone(),
        sync_sessions: sync.sessions.clone(),
        uploads: sync.uploads.clone(),
        direct_uploads: sync.direct_uploads.clone(),
        readings: readings.readings.clone(),
        advisors: readings.advisors.clone(),
        budgets: readings.budgets.clone(),
        audit_log: Arc::new(AuditLog::new(store.clone(), clock.clone(), ids.clone())),
        tasks: Arc::new(Tasks::new(store.clone(), clock.clone(), ids.clone())),
        platform: Arc::new(platform),
        jobs: Arc::new(jobs),
        requests: Arc::new(idempotent_requests(ground)?),
    })
}

fn api_key_gate(ground: &Ground<'_>, sessions: &SessionParts) -> ApiKeyGate {
    ApiKeyGate::new(
        ground.store(),
        ground.store(),
        Arc::new(RandomApiKeys),
        sessions.revocations.clone(),
        ground.clock(),
    )
}

fn acceptance(ground: &Ground<'_>, passwords: &PasswordParts, mail: &MailParts, sessions: &SessionParts) -> Acceptance {
    let door = InvitationDoor::new(ground.store(), mail.postbox.clone(), ground.clock());
    Acceptance::new(
        Arc::new(door),
        ground.store(),
        passwords.registration(ground),
        sessions.tokens.clone(),
        sessions.authenticator.clone(),
        ground.clock(),
        ground.ids(),
    )
}

fn mailed_links(
    ground: &Ground<'_>,
    passwords: &PasswordParts,
    mail: &MailParts,
    sessions: &SessionParts,
) -> MailedLinks {
    MailedLinks::new(
        ground.store(),
        ground.store(),
        sessions.accounts.clone(),
        passwords.gate.clone(),
        mail.postbox.clone(),
        ground.clock(),
    )
}

fn idempotent_requests(ground: &Ground<'_>) -> Result<IdempotentRequests, Failure> {
    Ok(IdempotentRequests::new(
        ground.store(),
        Arc::new(SealedBox::new(ground.keys)),
        lasting(ground.settings.idempotency.ttl)?,
        // A request that was given up can't still be running; one that waits for an advisor has more time.
        lasting(ground.settings.server.request_timeout.max(ground.settings.readings.total_timeout))?
            + Duration::seconds(5),
        ground.clock(),
        ground.ids(),
    ))
}

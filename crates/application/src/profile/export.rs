use std::sync::Arc;

use chrono::{DateTime, Utc};
use tenantry_identity::{
    Actor, ApiKey, AuditAction, AuditEntry, AuditFilter, AuditTarget, IdentityError, Principal, Session, User,
    ports::{ApiKeyTransaction, AuditRepository, AuditTransaction},
};
use tenantry_kernel::{Clock, Cursor, IdGenerator, Page, PageLimit, PageRequest, SortKey, StorageError, Store, UserId};
use tenantry_readings::{Reading, ReadingFilter, ports::ReadingTransaction};
use tenantry_tenancy::{Entrance, OwnMembership, TenancyError, TenantContext};
use uuid::Uuid;

use crate::{SignInError, ports::SignInTransaction};

/// What is kept about an account itself. What its owner made in organisations belongs to those, but for readings, which
/// nobody else may see.
#[derive(Debug)]
pub struct AccountExport {
    /// When it was put together.
    pub exported_at: DateTime<Utc>,
    /// The account.
    pub user: User,
    /// Since when the account has a second factor.
    pub second_factor_since: Option<DateTime<Utc>>,
    /// Its live login sessions, the newest first, at most 100.
    pub sessions: Vec<Session>,
    /// Its memberships, the oldest first, at most 1,000.
    pub memberships: Vec<OwnMembership>,
    /// Its API keys in organisations that are open to it.
    pub api_keys: Vec<ApiKey>,
    /// What the audit logs tell of what it did: of itself, and of organisations that are open to it; the newest first of
    /// each.
    pub events: Vec<AuditEntry>,
    /// Its readings in organisations that are open to it, the newest first of each.
    pub readings: Vec<Reading>,
}

/// Putting together what is kept about an account, for its owner (GDPR, articles 15 and 20).
pub struct AccountExporter {
    entrance: Arc<Entrance>,
    accounts: Arc<dyn Store<Actor, dyn SignInTransaction>>,
    api_keys: Arc<dyn Store<TenantContext, dyn ApiKeyTransaction>>,
    audit: Arc<dyn Store<TenantContext, dyn AuditTransaction>>,
    readings: Arc<dyn Store<TenantContext, dyn ReadingTransaction>>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl AccountExporter {
    const EXPORT: AuditAction = AuditAction::of("user.export");

    /// The most events of the account itself, and of each organisation.
    pub const MOST_EVENTS: usize = 10_000;

    /// The most readings of each organisation.
    pub const MOST_READINGS: usize = 10_000;

    /// The use case over these ports.
    #[must_use]
    pub fn new(
        entrance: Arc<Entrance>,
        accounts: Arc<dyn Store<Actor, dyn SignInTransaction>>,
        api_keys: Arc<dyn Store<TenantContext, dyn ApiKeyTransaction>>,
        audit: Arc<dyn Store<TenantContext, dyn AuditTransaction>>,
        readings: Arc<dyn Store<TenantContext, dyn ReadingTransaction>>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { entrance, accounts, api_keys, audit, readings, clock, ids }
    }

    /// What is kept about the principal's account. The audit log tells that it was handed out.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] once the account is deleted.
    pub async fn export(&self, principal: &Principal) -> Result<AccountExport, SignInError> {
        let (actor, id) = (principal.actor(), principal.user_id());
        let mut export = self.account(&actor, id).await?;
        for own in export.memberships.iter().filter(|own| own.is_open()) {
            let context = match self.entrance.enter(actor.clone(), own.organization.id).await {
                Ok(context) => context,
                Err(TenancyError::Storage(error)) => return Err(error.into()),
                // It was closed since.
                Err(_) => continue,
            };
            export.api_keys.extend(self.api_keys.read(&context).await?.api_keys().list().await?);
            let mut transaction = self.audit.read(&context).await?;
            export.events.extend(events_of(transaction.audit(), id, export.exported_at).await?);
            let mut transaction = self.readings.read(&context).await?;
            export.readings.extend(readings_of(transaction.as_mut(), id, export.exported_at).await?);
        }
        let entry = AuditEntry::success(&*self.ids, export.exported_at, &actor, Self::EXPORT);
        let mut transaction = self.accounts.begin(&actor).await?;
        transaction.audit().append(&entry.about(AuditTarget::one("user", id))).await?;
        transaction.commit().await?;
        Ok(export)
    }

    async fn account(&self, actor: &Actor, id: UserId) -> Result<AccountExport, SignInError> {
        let now = self.clock.now();
        let mut transaction = self.accounts.read(actor).await?;
        let user = transaction.users().find(id).await?.filter(|user| user.deleted_at.is_none());
        let second_factor = transaction.second_factors().find(id).await?;
        Ok(AccountExport {
            exported_at: now,
            user: user.ok_or(IdentityError::NotFound)?,
            second_factor_since: second_factor.and_then(|totp| totp.confirmed_at),
            sessions: transaction.sessions().list_live(now).await?,
            memberships: transaction.own_memberships().list().await?,
            api_keys: Vec::new(),
            events: events_of(transaction.audit(), id, now).await?,
            readings: Vec::new(),
        })
    }
}

/// What the user did until then, of the entries in reach.
async fn events_of(
    audit: &mut dyn AuditRepository,
    id: UserId,
    until: DateTime<Utc>,
) -> Result<Vec<AuditEntry>, StorageError> {
    let filter = AuditFilter { actor_id: Some(id.as_uuid()), ..AuditFilter::default() };
    let mut events = Vec::new();
    let mut page = page_behind(end_of(until));
    loop {
        let Page { items, next, .. } = audit.list(&filter, &page).await?;
        events.extend(items);
        match next {
            Some(cursor) if events.len() < AccountExporter::MOST_EVENTS => page = page_behind(cursor),
            _ => return Ok(events),
        }
    }
}

/// What the user asked until then in the transaction's organisation.
async fn readings_of(
    transaction: &mut dyn ReadingTransaction,
    id: UserId,
    until: DateTime<Utc>,
) -> Result<Vec<Reading>, StorageError> {
    let mut readings = Vec::new();
    let mut page = page_behind(end_of(until));
    loop {
        let Page { items, next, .. } = transaction.readings().list(id, &ReadingFilter::default(), &page).await?;
        readings.extend(items);
        match next {
            Some(cursor) if readings.len() < AccountExporter::MOST_READINGS => page = page_behind(cursor),
            _ => return Ok(readings),
        }
    }
}

/// The end of that time in a list: pages by number would count what is to come.
fn end_of(time: DateTime<Utc>) -> Cursor {
    Cursor { key: SortKey::Time(time), id: Uuid::max() }
}

fn page_behind(cursor: Cursor) -> PageRequest {
    PageRequest::After { cursor, limit: PageLimit::new(u64::from(PageLimit::MAX)).unwrap_or_default() }
}

use std::sync::Arc;

use tenantry_identity::{AuditAction, AuditTarget};
use tenantry_kernel::{Clock, IdGenerator, Precondition, Store};
use tenantry_tenancy::{Permission, TenantContext};

use crate::ports::{InsertAdvisorError, ReadingTransaction};
use crate::{Advisor, AdvisorChange, AdvisorId, Catalogue, NewAdvisor, OwnAdvisor, ReadingError};

/// What people do with advisors.
pub struct Advisors {
    store: Arc<dyn Store<TenantContext, dyn ReadingTransaction>>,
    catalogue: Arc<Catalogue>,
    per_organization: u32,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl Advisors {
    const CREATE: AuditAction = AuditAction::of("advisor.create");
    const UPDATE: AuditAction = AuditAction::of("advisor.update");
    const DELETE: AuditAction = AuditAction::of("advisor.delete");

    /// The use cases over these ports. An organisation may have `per_organization` advisors of its own.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store<TenantContext, dyn ReadingTransaction>>,
        catalogue: Arc<Catalogue>,
        per_organization: u32,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { store, catalogue, per_organization, clock, ids }
    }

    /// Everybody whom the organisation's members can ask: the operator's advisors, then its own by name.
    ///
    /// # Errors
    /// [`ReadingError::Storage`].
    pub async fn list(&self, context: &TenantContext) -> Result<Vec<Advisor>, ReadingError> {
        let mut transaction = self.store.read(context).await?;
        let own = transaction.advisors().list().await?;
        let own = own.into_iter().filter(|own| self.catalogue.find(&own.id).is_none());
        Ok(self.catalogue.advisors.iter().cloned().chain(own.map(|own| self.catalogue.lend(own))).collect())
    }

    /// Makes an advisor of the organisation's own. Making one again that is there as it is to be answers it.
    ///
    /// # Errors
    /// [`ReadingError::Forbidden`] below ADMIN, [`ReadingError::AdvisorTaken`], [`ReadingError::TooManyAdvisors`].
    pub async fn create(&self, context: &TenantContext, new: NewAdvisor) -> Result<OwnAdvisor, ReadingError> {
        context.require(Permission::ManageAdvisors)?;
        if self.catalogue.find(&new.id).is_some() {
            return Err(ReadingError::AdvisorTaken);
        }
        let advisor = OwnAdvisor::create(new, context.organization_id(), self.clock.now());
        let mut transaction = self.store.begin(context).await?;
        let known = transaction.advisors().list().await?;
        if let Some(known) = known.iter().find(|known| known.id == advisor.id) {
            return if known.says_the_same_as(&advisor) { Ok(known.clone()) } else { Err(ReadingError::AdvisorTaken) };
        }
        if u32::try_from(known.len()).is_ok_and(|known| known >= self.per_organization) {
            return Err(ReadingError::TooManyAdvisors(self.per_organization));
        }
        transaction.advisors().insert(&advisor).await.map_err(|error| match error {
            InsertAdvisorError::Taken => ReadingError::AdvisorTaken,
            InsertAdvisorError::Storage(error) => ReadingError::Storage(error),
        })?;
        self.tell(transaction.as_mut(), context, Self::CREATE, &advisor.id).await?;
        transaction.commit().await?;
        Ok(advisor)
    }

    /// Changes one of the organisation's own.
    ///
    /// # Errors
    /// [`ReadingError::Forbidden`] below ADMIN and for the operator's advisors, [`ReadingError::NotFound`],
    /// [`ReadingError::RevisionMismatch`].
    pub async fn update(
        &self,
        context: &TenantContext,
        id: &AdvisorId,
        change: AdvisorChange,
        precondition: &Precondition,
    ) -> Result<OwnAdvisor, ReadingError> {
        let mut transaction = self.store.begin(context).await?;
        let stored = self.own(transaction.as_mut(), context, id, precondition).await?;
        let seen = stored.revision;
        let advisor = stored.changed(change, self.clock.now());
        if !transaction.advisors().update(&advisor, seen).await? {
            return Err(ReadingError::RevisionMismatch);
        }
        self.tell(transaction.as_mut(), context, Self::UPDATE, id).await?;
        transaction.commit().await?;
        Ok(advisor)
    }

    /// Deletes one of the organisation's own. Readings of it stay.
    ///
    /// # Errors
    /// As [`Advisors::update`].
    pub async fn delete(
        &self,
        context: &TenantContext,
        id: &AdvisorId,
        precondition: &Precondition,
    ) -> Result<(), ReadingError> {
        let mut transaction = self.store.begin(context).await?;
        let stored = self.own(transaction.as_mut(), context, id, precondition).await?;
        if !transaction.advisors().delete(id, stored.revision).await? {
            return Err(ReadingError::RevisionMismatch);
        }
        self.tell(transaction.as_mut(), context, Self::DELETE, id).await?;
        Ok(transaction.commit().await?)
    }

    /// The organisation's own advisor, for somebody who may change it.
    async fn own(
        &self,
        transaction: &mut dyn ReadingTransaction,
        context: &TenantContext,
        id: &AdvisorId,
        precondition: &Precondition,
    ) -> Result<OwnAdvisor, ReadingError> {
        let stored = transaction.advisors().find(id).await?;
        let is_known = stored.is_some() || self.catalogue.find(id).is_some();
        if is_known {
            context.require(Permission::ManageAdvisors)?;
        }
        let stored = stored.ok_or(if is_known { ReadingError::Forbidden } else { ReadingError::NotFound })?;
        if precondition.allows(stored.revision) { Ok(stored) } else { Err(ReadingError::RevisionMismatch) }
    }

    /// Tells the audit log. Advisors have names instead of ids, so the entry says which in its data.
    async fn tell(
        &self,
        transaction: &mut dyn ReadingTransaction,
        context: &TenantContext,
        action: AuditAction,
        id: &AdvisorId,
    ) -> Result<(), ReadingError> {
        let entry = context.audit_entry(&*self.ids, self.clock.now(), action);
        let entry = entry.about(AuditTarget { kind: "advisor".into(), id: None }).with("advisor", id.as_str());
        Ok(transaction.audit().append(&entry).await?)
    }
}

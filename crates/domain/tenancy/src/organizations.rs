use std::sync::Arc;

use tenantry_identity::{Actor, AuditAction, AuditTarget};
use tenantry_kernel::{Clock, IdGenerator, OrganizationId, Precondition, Store};

use crate::{
    InsertOrganizationError, NewOrganization, Organization, OrganizationChange, Permission, TenancyError,
    TenantContext,
    ports::{OrganizationRepository, TenancyTransaction},
};

/// What people do with organisations.
pub struct Organizations {
    store: Arc<dyn Store<TenantContext, dyn TenancyTransaction>>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl Organizations {
    const UPDATE: AuditAction = AuditAction::of("organization.update");

    /// How many slugs are tried for a name before giving up.
    const SLUG_TRIES: usize = 4;

    /// The use cases over these ports.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store<TenantContext, dyn TenancyTransaction>>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { store, clock, ids }
    }

    /// Founds an organisation; the actor becomes its owner. With an id that was reserved before, founding it again
    /// answers the organisation that is there.
    ///
    /// # Errors
    /// [`TenancyError::SlugTaken`] when a slug was asked for and another organisation has it; [`TenancyError::NotFound`]
    /// when the actor's account was deleted meanwhile.
    pub async fn create(
        &self,
        actor: Actor,
        new: NewOrganization,
        reserved: Option<OrganizationId>,
    ) -> Result<Organization, TenancyError> {
        let slug_was_chosen = new.slug.is_some();
        let id = reserved.unwrap_or_else(|| OrganizationId::generate(&*self.ids));
        let now = self.clock.now();
        let mut foundation = TenantContext::found_as(actor, id, new, now)?;
        let mut transaction = self.store.begin(&foundation.context).await?;
        if reserved.is_some()
            && let Some(founded) = transaction.organizations().find(id).await?
        {
            return Ok(founded);
        }
        if slug_was_chosen {
            transaction.organizations().insert(&foundation.organization).await?;
        } else {
            Self::insert_with_free_slug(transaction.organizations(), &mut foundation.organization, &*self.ids).await?;
        }
        transaction.memberships().insert(&foundation.membership).await?;
        let entry = foundation.context.audit_entry(&*self.ids, now, AuditAction::ORGANIZATION_CREATE);
        transaction.audit().append(&entry.about(AuditTarget::one("organization", id))).await?;
        transaction.commit().await?;
        Ok(foundation.organization)
    }

    /// Stores a new organisation, whose slug was made from its name, under the first free variation of that slug.
    ///
    /// # Errors
    /// [`TenancyError::SlugTaken`] when chance is against it several times in a row.
    pub async fn insert_with_free_slug(
        organizations: &mut dyn OrganizationRepository,
        organization: &mut Organization,
        ids: &dyn IdGenerator,
    ) -> Result<(), TenancyError> {
        let wanted = organization.slug.clone();
        for _ in 0..Self::SLUG_TRIES {
            match organizations.insert(organization).await {
                Err(InsertOrganizationError::SlugTaken) => {
                    let random = ids.next_id().simple().to_string();
                    organization.slug = wanted.with_suffix(random.get(24..).unwrap_or_default());
                }
                other => return Ok(other?),
            }
        }
        Err(TenancyError::SlugTaken)
    }

    /// The context's organisation.
    ///
    /// # Errors
    /// [`TenancyError::NotFound`] once it is deleted.
    pub async fn find(&self, context: &TenantContext) -> Result<Organization, TenancyError> {
        context.require(Permission::ReadOrganization)?;
        let mut transaction = self.store.read(context).await?;
        transaction.organizations().find(context.organization_id()).await?.ok_or(TenancyError::NotFound)
    }

    /// Changes the context's organisation.
    ///
    /// # Errors
    /// [`TenancyError::Forbidden`] without the right to; [`TenancyError::NotFound`]; [`TenancyError::RevisionMismatch`]
    /// when `precondition` does not allow the stored revision; [`TenancyError::SlugTaken`].
    pub async fn update(
        &self,
        context: &TenantContext,
        change: OrganizationChange,
        precondition: &Precondition,
    ) -> Result<Organization, TenancyError> {
        context.require(Permission::ChangeOrganization)?;
        let now = self.clock.now();
        let id = context.organization_id();
        let mut transaction = self.store.begin(context).await?;
        let stored = transaction.organizations().find(id).await?.ok_or(TenancyError::NotFound)?;
        if !precondition.allows(stored.revision) {
            return Err(TenancyError::RevisionMismatch);
        }
        let seen = stored.revision;
        let organization = stored.changed(change, now);
        if !transaction.organizations().update(&organization, seen).await? {
            return Err(TenancyError::RevisionMismatch);
        }
        let entry = context.audit_entry(&*self.ids, now, Self::UPDATE).about(AuditTarget::one("organization", id));
        transaction.audit().append(&entry).await?;
        transaction.commit().await?;
        Ok(organization)
    }
}

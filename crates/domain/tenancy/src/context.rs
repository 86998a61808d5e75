use chrono::{DateTime, Utc};
use tenantry_identity::{Actor, ApiKeyBearer, AuditAction, AuditEntry, Principal};
use tenantry_kernel::{IdGenerator, OrganizationId, Revision, UserId};

use crate::{
    Invitation, Membership, NewOrganization, Organization, OwnMembership, Permission, Plan, Role, Slug, TenancyError,
};

/// That somebody acts within an organisation, in a role. Every call on what a tenant owns takes one.
///
/// It can't be forged: its fields are private, nothing converts or deserialises into it, and each way to get one asks
/// for a proof.
///
/// ```compile_fail
/// use tenantry_tenancy::TenantContext;
/// fn forge(organization_id: tenantry_kernel::OrganizationId, actor: tenantry_identity::Actor) -> TenantContext {
///     TenantContext { organization_id, actor, role: tenantry_tenancy::Role::Owner }
/// }
/// ```
///
/// ```compile_fail
/// let context: tenantry_tenancy::TenantContext = Default::default();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantContext {
    organization_id: OrganizationId,
    actor: Actor,
    role: Role,
}

/// A new organisation, ready to be stored with its first owner.
#[derive(Debug)]
pub struct Foundation {
    /// The organisation.
    pub organization: Organization,
    /// Its first owner's membership.
    pub membership: Membership,
    /// The owner, within it.
    pub context: TenantContext,
}

impl TenantContext {
    /// By a stored membership that is open.
    pub(crate) fn enter(actor: Actor, own: &OwnMembership) -> Option<Self> {
        let is_own = actor.user_id() == Some(own.membership.user_id);
        let organization_id = own.membership.organization_id;
        (is_own && own.is_open() && actor.may_enter(organization_id)).then_some(Self {
            organization_id,
            actor,
            role: own.membership.role,
        })
    }

    /// By a verified access token whose epochs are live: the organisation and role that it names.
    ///
    /// # Errors
    /// [`TenancyError::NotFound`] when the token's role is none that this version knows.
    pub fn resume(principal: &Principal) -> Result<Self, TenancyError> {
        let role = principal.role().parse().or(Err(TenancyError::NotFound))?;
        Ok(Self { organization_id: principal.organization_id(), actor: principal.actor(), role })
    }

    /// By a live API key: the organisation where it was made, and its owner's role there.
    ///
    /// # Errors
    /// [`TenancyError::NotFound`] when the role is none that this version knows.
    pub fn unlock(bearer: &ApiKeyBearer) -> Result<Self, TenancyError> {
        let role = bearer.role().parse().or(Err(TenancyError::NotFound))?;
        Ok(Self { organization_id: bearer.organization_id(), actor: bearer.actor(), role })
    }

    /// By founding an organisation: its id is new, so nothing can be in it yet.
    ///
    /// # Errors
    /// [`TenancyError::Forbidden`] when the actor is not a user, or an API key.
    pub fn found(
        actor: Actor,
        new: NewOrganization,
        now: DateTime<Utc>,
        ids: &dyn IdGenerator,
    ) -> Result<Foundation, TenancyError> {
        Self::found_as(actor, OrganizationId::generate(ids), new, now)
    }

    /// The same under an id that was reserved; whoever calls this first looks whether it was used already.
    pub(crate) fn found_as(
        actor: Actor,
        organization_id: OrganizationId,
        new: NewOrganization,
        now: DateTime<Utc>,
    ) -> Result<Foundation, TenancyError> {
        let user_id = actor.user_id().filter(|_| actor.may_enter(organization_id)).ok_or(TenancyError::Forbidden)?;
        let slug = new.slug.unwrap_or_else(|| Slug::from_name(new.name.as_str()));
        Ok(Foundation {
            organization: Organization {
                id: organization_id,
                name: new.name,
                slug,
                plan: Plan::Free,
                contact_email: new.contact_email,
                is_active: true,
                metadata: new.metadata,
                created_at: now,
                updated_at: now,
                deleted_at: None,
                revision: Revision::FIRST,
            },
            membership: Membership::joining(organization_id, user_id, Role::Owner, now),
            context: Self { organization_id, actor, role: Role::Owner },
        })
    }

    /// By an invitation whose token the actor has, and which is about to be accepted: in the role that it offers.
    pub(crate) fn join(actor: Actor, invitation: &Invitation) -> Self {
        Self { organization_id: invitation.organization_id, actor, role: invitation.role }
    }

    /// By the word of an embedding service that keeps memberships elsewhere.
    ///
    /// Tenantry itself never calls this; a lint forbids it.
    #[must_use]
    pub fn host(organization_id: OrganizationId, actor: Actor, role: Role) -> Self {
        Self { organization_id, actor, role }
    }

    /// The organisation.
    #[must_use]
    pub fn organization_id(&self) -> OrganizationId {
        self.organization_id
    }

    /// Who acts.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// That the actor did something here, for the audit log of the organisation.
    #[must_use]
    pub fn audit_entry(&self, ids: &dyn IdGenerator, now: DateTime<Utc>, action: AuditAction) -> AuditEntry {
        AuditEntry::success(ids, now, &self.actor, action).within(self.organization_id)
    }

    /// The user who acts.
    ///
    /// # Errors
    /// [`TenancyError::Forbidden`] when it is no user.
    pub fn user_id(&self) -> Result<UserId, TenancyError> {
        self.actor.user_id().ok_or(TenancyError::Forbidden)
    }

    /// In which role.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// Whether the role has this right.
    #[must_use]
    pub fn allows(&self, permission: Permission) -> bool {
        self.role.allows(permission)
    }

    /// Asks for a right.
    ///
    /// # Errors
    /// [`TenancyError::Forbidden`] when the role does not have it.
    pub fn require(&self, permission: Permission) -> Result<(), TenancyError> {
        if self.allows(permission) { Ok(()) } else { Err(TenancyError::Forbidden) }
    }
}

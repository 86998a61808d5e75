//! What tenancy needs of the outside.
//!
//! A transaction begun for a [`TenantContext`](crate::TenantContext) sees and changes that organisation's rows only.
//! What a transaction that may write has found stays locked until its end.
//!
//! One begun for an actor sees the actor's own memberships, in whichever organisation. Those are not locked, since they
//! are the organisations' to change.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tenantry_kernel::{OrganizationId, Page, PageRequest, StorageError, Transaction, UserId};

use crate::{InsertOrganizationError, Membership, Organization, OwnMembership, Project, ProjectId};

/// A unit of work within one organisation.
pub trait TenancyTransaction: Transaction {
    /// The organisation itself.
    fn organizations(&mut self) -> &mut dyn OrganizationRepository;
    /// Its members.
    fn memberships(&mut self) -> &mut dyn MembershipRepository;
    /// Its projects.
    fn projects(&mut self) -> &mut dyn ProjectRepository;
}

/// A unit of work over one user's memberships.
pub trait OwnMembershipsTransaction: Transaction {
    /// The actor's memberships.
    fn own_memberships(&mut self) -> &mut dyn OwnMembershipRepository;
}

/// The organisation of the context.
#[async_trait]
pub trait OrganizationRepository: Send {
    /// The organisation, if it is the context's and not deleted.
    async fn find(&mut self, id: OrganizationId) -> Result<Option<Organization>, StorageError>;
    /// Stores a new organisation. Slugs are unique among all organisations; a taken one leaves the transaction usable.
    async fn insert(&mut self, organization: &Organization) -> Result<(), InsertOrganizationError>;
}

/// The members of the context's organisation.
#[async_trait]
pub trait MembershipRepository: Send {
    /// The user's membership, inactive ones included.
    async fn find(&mut self, user_id: UserId) -> Result<Option<Membership>, StorageError>;
    /// Stores a new membership.
    async fn insert(&mut self, membership: &Membership) -> Result<(), StorageError>;
}

/// The actor's own memberships.
#[async_trait]
pub trait OwnMembershipRepository: Send {
    /// The membership in one organisation, inactive ones and those in deleted organisations included.
    async fn find(&mut self, id: OrganizationId) -> Result<Option<OwnMembership>, StorageError>;
    /// All memberships in organisations that are not deleted, the oldest first, at most 1,000.
    async fn list(&mut self) -> Result<Vec<OwnMembership>, StorageError>;
    /// Who else is an active member of an organisation that the actor owns; fails for one they don't.
    async fn count_others(&mut self, id: OrganizationId) -> Result<OtherMembers, StorageError>;
    /// Deletes an organisation softly that the actor owns; changes nothing for one they don't.
    async fn delete_organization(&mut self, id: OrganizationId, at: DateTime<Utc>) -> Result<(), StorageError>;
    /// Ends all of the actor's memberships.
    async fn delete_all(&mut self) -> Result<(), StorageError>;
}

/// The other active members of an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OtherMembers {
    /// All of them.
    pub members: u64,
    /// The owners among them.
    pub owners: u64,
}

/// The projects of the context's organisation, deleted ones excepted.
#[async_trait]
pub trait ProjectRepository: Send {
    /// The project.
    async fn find(&mut self, id: ProjectId) -> Result<Option<Project>, StorageError>;
    /// The projects, the newest first.
    async fn list(&mut self, page: &PageRequest) -> Result<Page<Project>, StorageError>;
    /// Stores a new project.
    async fn insert(&mut self, project: &Project) -> Result<(), StorageError>;
}

//! What tenancy needs of the outside.
//!
//! A transaction begun for a [`TenantContext`](crate::TenantContext) sees and changes that organisation's rows only.
//! What a transaction that may write has found stays locked until its end.
//!
//! One begun for an actor sees the actor's own memberships, in whichever organisation. Those are not locked, since they
//! are the organisations' to change.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tenantry_identity::{
    Email, LinkDigest,
    ports::{AuditTransaction, OutboxTransaction},
};
use tenantry_kernel::{OrganizationId, Page, PageRequest, Revision, StorageError, UserId};

use crate::{
    FoundInvitation, InsertMembershipError, InsertOrganizationError, Invitation, InvitationId, Member, MemberFilter,
    Membership, Organization, OwnMembership, Project, ProjectFilter, ProjectId,
};

/// A unit of work within one organisation.
pub trait TenancyTransaction: AuditTransaction + OutboxTransaction {
    /// The organisation itself.
    fn organizations(&mut self) -> &mut dyn OrganizationRepository;
    /// Its members.
    fn memberships(&mut self) -> &mut dyn MembershipRepository;
    /// Whom it has asked to join.
    fn invitations(&mut self) -> &mut dyn InvitationRepository;
    /// Its projects.
    fn projects(&mut self) -> &mut dyn ProjectRepository;
}

/// A unit of work over one user's memberships.
pub trait OwnMembershipsTransaction: AuditTransaction {
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
    /// Replaces the organisation if its stored revision is still `expected`; tells whether it was. With a taken slug the
    /// transaction can't go on.
    async fn update(
        &mut self,
        organization: &Organization,
        expected: Revision,
    ) -> Result<bool, InsertOrganizationError>;
}

/// The members of the context's organisation.
#[async_trait]
pub trait MembershipRepository: Send {
    /// The user's membership, inactive ones included.
    async fn find(&mut self, user_id: UserId) -> Result<Option<Membership>, StorageError>;
    /// Stores a new membership. Whether account and organisation are still there is looked at behind locks, so that
    /// neither can be deleted meanwhile without taking this membership along.
    async fn insert(&mut self, membership: &Membership) -> Result<(), InsertMembershipError>;
    /// The members that `filter` admits, with their accounts, those who joined last first. Deleted accounts are absent.
    async fn list(&mut self, filter: &MemberFilter, page: &PageRequest) -> Result<Page<Member>, StorageError>;
    /// How many other members are active owners, whose accounts are active too. No membership becomes or ceases to be one
    /// meanwhile if the organisation was found before, and so is locked.
    async fn count_other_owners(&mut self, user_id: UserId) -> Result<u64, StorageError>;
    /// Replaces the membership if its stored revision is still `expected`; tells whether it was.
    async fn update(&mut self, membership: &Membership, expected: Revision) -> Result<bool, StorageError>;
    /// Ends the membership if its stored revision is still `expected`; tells whether it was.
    async fn delete(&mut self, user_id: UserId, expected: Revision) -> Result<bool, StorageError>;
    /// Makes every access token for the organisation stale: each membership's epoch grows. Answers all of them.
    async fn renew_epochs(&mut self, at: DateTime<Utc>) -> Result<Vec<Membership>, StorageError>;
}

/// The invitations of the context's organisation. What has expired stays until it is purged.
#[async_trait]
pub trait InvitationRepository: Send {
    /// The invitation.
    async fn find(&mut self, id: InvitationId) -> Result<Option<Invitation>, StorageError>;
    /// The invitation of this address, in any spelling, that was not accepted, expired ones included. There is one at most.
    async fn find_pending(&mut self, email: &Email) -> Result<Option<Invitation>, StorageError>;
    /// All invitations, the newest first.
    async fn list(&mut self, page: &PageRequest) -> Result<Page<Invitation>, StorageError>;
    /// Stores a new invitation unless its id is known, or its address has one that was not accepted; tells whether it did.
    async fn insert(&mut self, invitation: &Invitation) -> Result<bool, StorageError>;
    /// Replaces the invitation if it was not accepted; tells whether it was so.
    async fn update(&mut self, invitation: &Invitation) -> Result<bool, StorageError>;
    /// Notes that the invitation was accepted at `at`, if its token has this hash, and it was not accepted and has not
    /// expired; tells whether it was so. Of any number of concurrent calls exactly one succeeds.
    async fn use_up(&mut self, id: InvitationId, digest: &LinkDigest, at: DateTime<Utc>) -> Result<bool, StorageError>;
    /// Forgets the invitation if it was not accepted; tells whether it was so.
    async fn delete(&mut self, id: InvitationId) -> Result<bool, StorageError>;
}

/// Finds an invitation before anybody is known.
#[async_trait]
pub trait InvitationLookup: Send + Sync {
    /// The invitation whose token has this hash, used and expired ones included.
    async fn find(&self, digest: &LinkDigest) -> Result<Option<FoundInvitation>, StorageError>;
}

/// The actor's own memberships.
#[async_trait]
pub trait OwnMembershipRepository: Send {
    /// The membership in one organisation, inactive ones and those in deleted organisations included.
    async fn find(&mut self, id: OrganizationId) -> Result<Option<OwnMembership>, StorageError>;
    /// All memberships in organisations that are not deleted, the oldest first, at most 1,000.
    async fn list(&mut self) -> Result<Vec<OwnMembership>, StorageError>;
    /// Stores an organisation that the actor founds, and their membership of it. Slugs are unique among all organisations;
    /// a taken one leaves the transaction usable.
    async fn found(
        &mut self,
        organization: &Organization,
        membership: &Membership,
    ) -> Result<(), InsertOrganizationError>;
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
    /// The owners among them whose accounts are active.
    pub owners: u64,
}

/// The projects of the context's organisation, deleted ones excepted.
#[async_trait]
pub trait ProjectRepository: Send {
    /// The project.
    async fn find(&mut self, id: ProjectId) -> Result<Option<Project>, StorageError>;
    /// The projects that `filter` admits, the newest first.
    async fn list(&mut self, filter: &ProjectFilter, page: &PageRequest) -> Result<Page<Project>, StorageError>;
    /// Stores a new project; tells whether its id was new. A known id changes nothing.
    async fn insert(&mut self, project: &Project) -> Result<bool, StorageError>;
    /// Replaces the project if its stored revision is still `expected`; tells whether it was.
    async fn update(&mut self, project: &Project, expected: Revision) -> Result<bool, StorageError>;
    /// Deletes the project softly at `at` if its stored revision is still `expected`; tells whether it was.
    async fn delete(&mut self, id: ProjectId, expected: Revision, at: DateTime<Utc>) -> Result<bool, StorageError>;
}

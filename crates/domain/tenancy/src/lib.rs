//! Organisations, memberships, roles and projects.
//!
//! This crate issues every [`TenantContext`]: that somebody acts within an organisation, and in which role, is proved
//! here and nowhere else.
//!
//! - [`Organization`], [`Membership`], [`Project`]: the entities; [`Slug`] and the names are parsed once.
//! - [`Invitation`]: somebody is asked to join; the [`InvitationDoor`] finds one by its token.
//! - [`Role`], [`Permission`]: one pure table says who may do what.
//! - [`Entrance`], [`Organizations`], [`Projects`], [`AuditLog`]: the use cases.
//! - [`ports`]: what an adapter provides.

#![warn(missing_docs)]

mod audit_log;
mod context;
mod entrance;
mod error;
mod invitation;
mod invitation_door;
mod membership;
mod organization;
mod organizations;
mod place;
pub mod ports;
mod project;
mod projects;
mod role;
mod slug;

pub use audit_log::AuditLog;
pub use context::{Foundation, TenantContext};
pub use entrance::Entrance;
pub use error::{InsertMembershipError, InsertOrganizationError, TenancyError};
pub use invitation::{FoundInvitation, Invitation, InvitationId, InvitationStatus};
pub use invitation_door::{InvitationDoor, OpenInvitation};
pub use membership::{Member, MemberFilter, Membership, MembershipChange, OwnMembership};
pub use organization::{
    Metadata, MetadataError, NewOrganization, Organization, OrganizationChange, OrganizationName, Plan,
};
pub use organizations::Organizations;
pub use place::{BucketName, BucketNameError, StoragePrefix, StoragePrefixError};
pub use project::{NewProject, Project, ProjectChange, ProjectDescription, ProjectFilter, ProjectId, ProjectName};
pub use projects::Projects;
pub use role::{Permission, Role, UnknownRole};
pub use slug::{Slug, SlugError};
pub use tenantry_kernel::OrganizationId;

//! Organisations, memberships, roles and projects.
//!
//! This crate issues every [`TenantContext`]: that somebody acts within an organisation, and in which role, is proved
//! here and nowhere else.
//!
//! - [`Organization`], [`Membership`], [`Project`]: the entities; [`Slug`] and the names are parsed once.
//! - [`Role`], [`Permission`]: one pure table says who may do what.
//! - [`Entrance`], [`Organizations`], [`Projects`]: the use cases.
//! - [`ports`]: what an adapter provides.

#![warn(missing_docs)]

mod context;
mod entrance;
mod error;
mod membership;
mod organization;
mod organizations;
pub mod ports;
mod project;
mod projects;
mod role;
mod slug;

pub use context::{Foundation, TenantContext};
pub use entrance::Entrance;
pub use error::{InsertOrganizationError, TenancyError};
pub use membership::{Membership, OwnMembership};
pub use organization::{Metadata, MetadataError, NewOrganization, Organization, OrganizationName, Plan};
pub use organizations::Organizations;
pub use project::{NewProject, Project, ProjectDescription, ProjectId, ProjectName};
pub use projects::Projects;
pub use role::{Permission, Role, UnknownRole};
pub use slug::{Slug, SlugError};
pub use tenantry_kernel::OrganizationId;

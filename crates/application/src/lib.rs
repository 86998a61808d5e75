//! Use cases that span domains, each in one unit of work.
//!
//! - [`SignUp`]: an account, its first organisation, its first session.
//! - [`SignIn`]: passwords, second factors and refresh tokens become access tokens.
//! - [`Invitations`], [`Acceptance`]: people are asked to join an organisation, and do.
//! - [`Members`]: the users of an organisation; [`Hiring`]: accounts for new ones.
//! - [`Profile`]: the account with its organisations; deleting it; [`AccountExporter`]: what is kept about it.
//! - [`OrganizationDeletion`]: an organisation goes, with everything in it.
//! - [`ProjectDeletion`]: a project goes, its tasks stay.
//! - [`Administrators`], [`PlatformAdministration`], [`Jobs`]: who administers the platform, and what they see and decide.
//! - [`ClaimedJob`], [`JobEnd`]: background jobs as workers see them.
//! - [`ApiKeys`]: what programs act with.
//! - [`IdempotentRequests`]: a request that is sent twice is done once.
//! - [`PostOffice`]: mails that wait in the outbox are sent.
//! - [`AuditKeeper`], [`AuditVerifier`]: the audit log is chained, kept, and checked. [`RateLimits`]: too many requests.
//! - [`ports`]: what an adapter provides.

#![warn(missing_docs)]

mod acceptance;
mod administrators;
mod api_keys;
mod audit_chain;
mod error;
mod hiring;
mod idempotency;
mod invitations;
mod job_queue;
mod members;
mod organization_deletion;
mod platform;
pub mod ports;
mod post_office;
mod profile;
mod project_deletion;
mod rate_limits;
mod sign_in;
mod sign_up;
mod tokens;

pub use acceptance::{Acceptance, Invitee};
pub use administrators::{Administrators, NewAdministrator, OneTimePassword};
pub use api_keys::{ApiKeyError, ApiKeys, NewApiKey};
pub use audit_chain::*;
pub use error::{SignInError, SignUpError};
pub use hiring::{Hiring, NewUser};
pub use idempotency::*;
pub use invitations::{Invitations, NewInvitation};
pub use job_queue::*;
pub use members::{MemberChange, Members};
pub use organization_deletion::OrganizationDeletion;
pub use platform::*;
pub use post_office::{DeliveryRules, PostOffice};
pub use profile::*;
pub use project_deletion::ProjectDeletion;
pub use rate_limits::{RateKey, RateLimits, RateQuotas, RateRule, RateState};
pub use sign_in::{Login, SignIn, SignInStep, SignedInUser};
pub use sign_up::{ImportError, ImportMode, NewcomerOrganization, SignUp, SignedUp};
pub use tokens::{SessionLimits, TokenIssuer, TokenPair};

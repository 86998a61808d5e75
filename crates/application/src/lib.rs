//! Use cases that span domains, each in one unit of work.
//!
//! - [`SignUp`]: an account, its first organisation, its first session.
//! - [`SignIn`]: passwords and refresh tokens become access tokens.
//! - [`Members`]: the users of an organisation.
//! - [`Profile`]: the account with its organisations; deleting it.
//! - [`Administrators`]: who administers the platform.
//! - [`IdempotentRequests`]: a request that is sent twice is done once.
//! - [`ports`]: what an adapter provides.

#![warn(missing_docs)]

mod administrators;
mod error;
mod idempotency;
mod members;
pub mod ports;
mod profile;
mod sign_in;
mod sign_up;
mod tokens;

pub use administrators::{Administrators, NewAdministrator, OneTimePassword};
pub use error::{SignInError, SignUpError};
pub use idempotency::{
    IdempotencyClaim, IdempotencyKey, IdempotencyKeyError, IdempotentRequests, Reservation, StoredAnswer, StoredRequest,
};
pub use members::Members;
pub use profile::{Me, Profile};
pub use sign_in::{SignIn, SignedInUser};
pub use sign_up::{NewcomerOrganization, SignUp, SignedUp};
pub use tokens::{SessionLimits, TokenIssuer, TokenPair};

//! Accounts and sign-in: users, credentials and login sessions.
//!
//! This crate issues every [`Actor`]: who acts is proved here (by a password, an access token or a refresh token)
//! and nowhere else.
//!
//! - [`Email`], [`Username`], [`FullName`], [`Password`]: what people type, parsed once.
//! - [`User`], [`Session`]: the entities; their changes are pure functions.
//! - [`Registration`], [`Authenticator`], [`Accounts`]: the use cases.
//! - [`RevocationList`]: which access tokens died early, held in memory.
//! - [`ports`]: what an adapter provides.

#![warn(missing_docs)]

mod access;
mod accounts;
mod actor;
mod authenticator;
mod email;
mod error;
mod names;
mod password;
pub mod ports;
mod registration;
mod revocation;
mod session;
mod user;

pub use access::{AccessClaims, AccessTokenError, RefreshClaims};
pub use accounts::{Accounts, ConfirmedPassword, LogoutScope, PasswordChange, ProfileChange};
pub use actor::{Actor, Principal};
pub use authenticator::{Authenticator, LoginIdentifier, SignedIn};
pub use email::{Email, EmailError};
pub use error::{AuthenticationError, IdentityError, InsertUserError, UserKey};
pub use names::{FullName, Username, UsernameError};
pub use password::{Password, PasswordAttempt, PasswordError, PasswordHash, PasswordPolicy, WeakPassword};
pub use registration::{NewAccount, Registered, Registration, RegistrationError};
pub use revocation::{Liveness, Revocation, RevocationFollower, RevocationId, RevocationList, RevokedSubject};
pub use session::{Client, Presentation, RefreshGrace, Session, SessionId};
pub use tenantry_kernel::{OrganizationId, UserId};
pub use user::User;

//! Accounts and sign-in: users, credentials and login sessions.
//!
//! This crate issues every [`Actor`]: who acts is proved here (by a password, an access token or a refresh token)
//! and nowhere else.
//!
//! - [`Email`], [`Username`], [`FullName`], [`Password`]: what people type, parsed once; [`PasswordPolicy`]: how well.
//! - [`User`], [`Session`]: the entities; their changes are pure functions.
//! - [`Registration`], [`Authenticator`], [`Accounts`], [`SecondFactors`]: the use cases.
//! - [`ApiKey`], [`ApiKeyGate`]: what programs act with, and how they are let in.
//! - [`AuditEntry`]: what was done by whom, for good.
//! - [`Mail`], [`Postbox`]: what people are told by mail; [`MailedLinks`]: what the links in it are good for.
//! - [`GuessingGuard`]: how often a secret may be guessed; [`PasswordGate`] compares no password without asking it.
//! - [`RevocationList`]: which access tokens died early; [`SigningKeys`]: what they are signed with, if not the secret.
//! - [`ports`]: what an adapter provides.

#![warn(missing_docs)]

mod access;
mod accounts;
mod actor;
mod api_keys;
mod audit;
mod authenticator;
mod email;
mod error;
mod factors;
mod guessing;
mod mail;
mod names;
mod password;
mod platform;
pub mod ports;
mod registration;
mod revocation;
mod session;
mod user;

pub use access::*;
pub use accounts::{Accounts, ConfirmedPassword, LogoutScope, PasswordChange, ProfileChange};
pub use actor::{Actor, ActorType, Principal};
pub use api_keys::*;
pub use audit::{AuditAction, AuditEntry, AuditEntryId, AuditFilter, AuditOutcome, AuditTarget, UnknownOutcome};
pub use authenticator::{Authenticator, LoginAttempt, LoginIdentifier, SignedIn};
pub use email::{Email, EmailError};
pub use error::{AuthenticationError, IdentityError, InsertUserError, UserKey};
pub use factors::*;
pub use guessing::*;
pub use mail::*;
pub use names::{FullName, Username, UsernameError};
pub use password::*;
pub use platform::PlatformContext;
pub use registration::{AdoptionError, ImportedAccount, NewAccount, Registered, Registration, RegistrationError};
pub use revocation::{Liveness, Revocation, RevocationFollower, RevocationId, RevocationList, RevokedSubject};
pub use session::{Client, Presentation, RefreshGrace, Session, SessionId};
pub use tenantry_kernel::{OrganizationId, UserId};
pub use user::User;

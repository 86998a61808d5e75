//! Passwords: what may be one, and how one is checked.

mod common;
mod gate;
mod policy;
mod secret;

pub use gate::{PasswordCheckError, PasswordGate, PasswordRefused};
pub use policy::{PasswordOwner, PasswordPolicy, WeakPassword};
pub use secret::{Password, PasswordAttempt, PasswordError, PasswordHash};

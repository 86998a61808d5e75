//! Signing up, signing in, staying signed in, signing out.

mod account;
mod list_sessions;
mod login;
mod logout;
mod me;
mod refresh;
mod register;
mod revoke_session;
mod signup;
mod view;

use crate::{operation, operations::Operations};

/// Registers the operations.
pub(crate) fn operations(operations: &mut Operations) {
    operation!(operations, signup);
    operation!(operations, register);
    operation!(operations, login).alias("/auth/signin");
    operation!(operations, refresh);
    operation!(operations, logout);
    operation!(operations, me);
    operation!(operations, list_sessions);
    operation!(operations, revoke_session);
}

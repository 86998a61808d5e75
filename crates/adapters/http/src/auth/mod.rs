//! Signing up, signing in, staying signed in, signing out.

mod account;
mod api_keys;
mod email;
mod list_sessions;
mod login;
mod logout;
mod mail_request;
mod me;
mod password;
mod refresh;
mod register;
mod revoke_session;
mod signup;
mod totp;
mod view;

pub(crate) use self::{api_keys::ApiKeyView, view::SignedInView};
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
    password::operations(operations);
    email::operations(operations);
    totp::operations(operations);
    api_keys::operations(operations);
}

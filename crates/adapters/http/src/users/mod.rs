//! The caller's own account, and the users of an organization.

mod change_me;
mod create;
mod delete_me;
mod export_me;
mod find;
mod find_me;
mod list;
mod remove;
mod update;
mod view;

pub(crate) use self::view::UserView;
use crate::{operation, operations::Operations};

/// Registers the operations.
pub(crate) fn operations(operations: &mut Operations) {
    operation!(operations, find_me).alias("/users/profile");
    operation!(operations, change_me);
    operation!(operations, delete_me);
    operation!(operations, export_me);
    operation!(operations, list);
    operation!(operations, create);
    operation!(operations, find);
    operation!(operations, update);
    operation!(operations, remove);
}

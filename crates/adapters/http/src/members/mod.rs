//! The members of the organization that the path names.

mod list;
mod remove;
mod update;
mod view;

use crate::{operation, operations::Operations};

/// Registers the operations.
pub(crate) fn operations(operations: &mut Operations) {
    operation!(operations, list).alias("/companies/{id}/members");
    operation!(operations, update).alias("/companies/{id}/members/{user_id}");
    operation!(operations, remove).alias("/companies/{id}/members/{user_id}");
}

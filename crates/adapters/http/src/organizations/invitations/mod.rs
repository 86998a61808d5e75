//! Whom the organization has asked to join.

mod create;
mod list;
mod revoke;
mod view;

use crate::{operation, operations::Operations};

pub(super) fn operations(operations: &mut Operations) {
    operation!(operations, list);
    operation!(operations, create);
    operation!(operations, revoke);
}

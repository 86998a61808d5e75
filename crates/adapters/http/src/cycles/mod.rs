//! Cycles.

mod create;
mod delete;
mod find;
mod list;
mod update;
mod view;

use crate::{operation, operations::Operations};

/// Registers the operations.
pub(crate) fn operations(operations: &mut Operations) {
    operation!(operations, list);
    operation!(operations, create);
    operation!(operations, find);
    operation!(operations, update);
    operation!(operations, delete);
}

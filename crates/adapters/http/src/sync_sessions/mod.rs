//! Sync sessions.

mod create;
mod delete;
mod files;
mod find;
mod list;
mod stats;
mod update;
mod view;

use crate::{operation, operations::Operations};

/// Registers the operations.
pub(crate) fn operations(operations: &mut Operations) {
    operation!(operations, list);
    operation!(operations, create);
    operation!(operations, stats);
    operation!(operations, find);
    operation!(operations, update);
    operation!(operations, delete);
    operation!(operations, files);
}

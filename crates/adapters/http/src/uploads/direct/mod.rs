//! Direct uploads: a client sends files of its own to the object store.

mod complete;
mod files;
mod finish;
mod open;
mod parts;
mod view;

use tenantry_sync::DirectUploads;

use crate::{operation, operations::Operations, problem::Problem};

/// Registers the operations.
pub(super) fn operations(operations: &mut Operations) {
    operation!(operations, open);
    operation!(operations, files);
    operation!(operations, parts);
    operation!(operations, complete);
    operation!(operations, finish);
}

/// A list that is to be done at once.
fn check_length<T>(field: &str, items: &[T]) -> Result<(), Problem> {
    if (1..=DirectUploads::MOST_AT_ONCE).contains(&items.len()) {
        Ok(())
    } else {
        Err(Problem::validation(field, "must have 1 to 1,000 items"))
    }
}

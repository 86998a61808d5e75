//! Keys that programs act with.

mod create;
mod delete;
mod list;
mod view;

pub(crate) use self::view::ApiKeyView;
use crate::{operation, operations::Operations};

/// Registers the operations.
pub(super) fn operations(operations: &mut Operations) {
    operation!(operations, list);
    operation!(operations, create);
    operation!(operations, delete);
}

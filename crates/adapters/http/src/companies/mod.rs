//! Organizations as clients know them that call them companies: the same, with `company_name` and `company_code` beside
//! `name` and `slug`.

mod create;
mod find;
mod list;
mod twins;
mod update;
mod view;

use crate::{operation, operations::Operations};

/// Registers the operations.
pub(crate) fn operations(operations: &mut Operations) {
    operation!(operations, list);
    operation!(operations, create);
    operation!(operations, find);
    operation!(operations, update);
}

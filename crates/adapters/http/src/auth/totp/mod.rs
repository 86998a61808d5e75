//! Authenticator apps as second factors.

mod challenge;
mod confirm;
mod disable;
mod enroll;

use crate::{operation, operations::Operations};

/// Registers the operations.
pub(crate) fn operations(operations: &mut Operations) {
    operation!(operations, enroll);
    operation!(operations, confirm);
    operation!(operations, disable);
    operation!(operations, challenge);
}

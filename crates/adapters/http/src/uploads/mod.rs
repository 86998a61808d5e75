//! The jobs of sync sessions.

mod cancel;
mod events;
mod retry;
mod start;
mod status;
pub(crate) mod tus;
mod view;

use crate::{operation, operations::Operations};

/// Registers the operations.
pub(crate) fn operations(operations: &mut Operations) {
    operation!(operations, start);
    operation!(operations, status);
    operation!(operations, events);
    operation!(operations, cancel);
    operation!(operations, retry);
    tus::operations(operations);
}

//! The jobs of sync sessions.

mod cancel;
mod events;
mod followers;
mod retry;
mod start;
mod status;
mod view;

pub use followers::EventStreams;

use crate::{operation, operations::Operations};

/// Registers the operations.
pub(crate) fn operations(operations: &mut Operations) {
    operation!(operations, start);
    operation!(operations, status);
    operation!(operations, events);
    operation!(operations, cancel);
    operation!(operations, retry);
}

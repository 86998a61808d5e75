//! Jobs that upload files: those of sync sessions, and those to which clients send files of their own.

mod cancel;
mod direct;
mod events;
mod followers;
mod retry;
mod start;
mod status;
pub(crate) mod tus;
mod view;

pub(crate) use followers::FollowedJobs;

use crate::{operation, operations::Operations};

/// Registers the operations.
pub(crate) fn operations(operations: &mut Operations) {
    operation!(operations, start);
    operation!(operations, status);
    operation!(operations, events);
    operation!(operations, cancel);
    operation!(operations, retry);
    direct::operations(operations);
    tus::operations(operations);
}

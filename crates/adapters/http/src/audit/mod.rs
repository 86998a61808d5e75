//! The audit log of an organization.

mod list;
mod view;

pub(crate) use self::{list::ListAuditLog, view::PlatformAuditEntryView};
use crate::{operation, operations::Operations};

/// Registers the operations.
pub(crate) fn operations(operations: &mut Operations) {
    operation!(operations, list);
}

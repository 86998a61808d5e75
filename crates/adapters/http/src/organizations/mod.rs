//! The organizations that the caller belongs to.

mod create;
mod find;
mod list;
mod view;

pub(crate) use self::view::{MembershipSummary, OrganizationSummary};
use crate::{operation, operations::Operations};

/// Registers the operations.
pub(crate) fn operations(operations: &mut Operations) {
    operation!(operations, list);
    operation!(operations, create);
    operation!(operations, find);
}

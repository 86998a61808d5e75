//! The organizations that the caller belongs to.

mod budget;
mod create;
mod delete;
mod find;
mod invitations;
mod list;
mod update;
mod view;

pub(crate) use self::{
    create::found,
    list::list_as,
    update::change,
    view::{MembershipSummary, OrganizationSummary, OrganizationView},
};
use crate::{operation, operations::Operations};

/// Registers the operations.
pub(crate) fn operations(operations: &mut Operations) {
    operation!(operations, list);
    operation!(operations, create);
    operation!(operations, find);
    operation!(operations, update);
    operation!(operations, delete).alias("/companies/{id}");
    invitations::operations(operations);
    budget::operations(operations);
}

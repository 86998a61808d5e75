//! Whom the organization has asked to join.

mod create;
mod list;
mod revoke;
mod view;

use crate::{operation, operations::Operations};

pub(super) fn operations(operations: &mut Operations) {
    operation!(operations, list).alias("/companies/{id}/invitations");
    operation!(operations, create).alias("/companies/{id}/invitations");
    operation!(operations, revoke).alias("/companies/{id}/invitations/{invitation_id}");
}

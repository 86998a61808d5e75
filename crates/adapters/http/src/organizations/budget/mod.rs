//! What an organization may spend on readings.

mod find;
mod update;
mod view;

use crate::{operation, operations::Operations};

pub(super) fn operations(operations: &mut Operations) {
    operation!(operations, find).alias("/companies/{id}/budget");
    operation!(operations, update).alias("/companies/{id}/budget");
}

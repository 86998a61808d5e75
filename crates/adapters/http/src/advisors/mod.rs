//! Whom the members of an organisation can ask. What an advisor is told is taken and never shown.

mod create;
mod delete;
mod list;
mod update;
mod view;

use tenantry_readings::AdvisorId;

use crate::{operation, operations::Operations, problem::Problem};

/// Registers the operations.
pub(crate) fn operations(operations: &mut Operations) {
    operation!(operations, list);
    operation!(operations, create);
    operation!(operations, update);
    operation!(operations, delete);
}

/// The advisor that a path names; a name that none can have is nobody's.
fn named(id: &str) -> Result<AdvisorId, Problem> {
    AdvisorId::parse(id).or(Err(Problem::not_found()))
}

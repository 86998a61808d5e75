//! Readings, what they cost, and the advisors of organisations.

mod advisors;
mod budgets;
mod entries;
mod erasure;
mod ledger;
mod log;
mod reconcile;
mod repository;
mod sums;
mod usage;

#[cfg(test)]
pub(crate) use repository::{NEWEST_FIRST, select_answer, select_overdue, select_readings};
use tenantry_kernel::StorageError;

use crate::StoreTransaction;

#[derive(Debug, thiserror::Error)]
#[error("what belongs to one organisation was asked for without any")]
struct NoOrganization;

impl StoreTransaction {
    /// What is asked for belongs to the context's organisation, so there has to be one.
    fn check_one_organization(&self) -> Result<(), StorageError> {
        match self.scope().organization_id() {
            Some(_) => Ok(()),
            None => Err(StorageError::Internal(NoOrganization.into())),
        }
    }
}

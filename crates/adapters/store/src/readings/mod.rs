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

use tenantry_kernel::StorageError;
use uuid::Uuid;

use crate::StoreTransaction;

#[derive(Debug, thiserror::Error)]
#[error("what belongs to one organisation was asked for without any")]
struct NoOrganization;

impl StoreTransaction {
    /// The organisation of the context, where only one can be meant.
    fn one_organization(&self) -> Result<Uuid, StorageError> {
        self.scope().organization_id().ok_or_else(|| StorageError::Internal(NoOrganization.into()))
    }
}

use async_trait::async_trait;
use tenantry_kernel::{Revision, StorageError};
use tenantry_readings::ports::{Ledger, UsageFilter};
use tenantry_readings::{Account, Budget, Discrepancy, OwnBudget, Reservation, Settlement, Spent, UsageItem};

use crate::StoreTransaction;

#[async_trait]
impl Ledger for StoreTransaction {
    async fn budget(&mut self) -> Result<Option<OwnBudget>, StorageError> {
        self.find_budget().await
    }

    async fn put_budget(&mut self, budget: &OwnBudget, expected: Option<Revision>) -> Result<bool, StorageError> {
        match expected {
            Some(expected) => self.replace_budget(budget, expected).await,
            None => self.insert_budget(budget).await,
        }
    }

    async fn reserve(&mut self, reservation: &Reservation, budget: &Budget) -> Result<bool, StorageError> {
        if !self.raise_reserved(reservation, budget).await? {
            // Some accounts may have been raised before another one was at its limit.
            self.forbid_commit();
            return Ok(false);
        }
        self.insert_reservation(reservation).await?;
        Ok(true)
    }

    async fn settle(&mut self, settlement: &Settlement) -> Result<bool, StorageError> {
        let reserved = self.find_reservation(settlement).await?;
        let is_first = self.insert_settlement(settlement, &reserved).await?;
        if is_first {
            self.replace_reserved(settlement, &reserved).await?;
        }
        Ok(is_first)
    }

    async fn spent(&mut self, account: &Account) -> Result<Spent, StorageError> {
        self.find_sum(account).await
    }

    async fn usage(&mut self, filter: &UsageFilter) -> Result<Vec<UsageItem>, StorageError> {
        self.total_usage(filter).await
    }

    async fn reconcile(&mut self, mend: bool) -> Result<Vec<Discrepancy>, StorageError> {
        self.reconcile_sums(mend).await
    }
}

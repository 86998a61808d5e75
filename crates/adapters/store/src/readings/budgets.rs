//! What organisations have limited themselves to.

use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter};
use tenantry_kernel::{OrganizationId, Revision, StorageError};
use tenantry_readings::{Budget, NanoUsd, OwnBudget};

use crate::StoreTransaction;
use crate::error::storage;
use crate::scope::reading_budgets::{ActiveModel, Column, Model};

fn budget_from(row: &Model) -> OwnBudget {
    let limit = |nanos: Option<i64>| nanos.map(NanoUsd::from_nanos);
    OwnBudget {
        organization_id: OrganizationId::from_uuid(row.organization_id),
        budget: Budget {
            monthly: limit(row.monthly),
            daily: limit(row.daily),
            per_user_monthly: limit(row.per_user_monthly),
            per_user_daily: limit(row.per_user_daily),
        },
        updated_at: row.updated_at,
        revision: Revision::from_stored(row.revision),
    }
}

fn budget_row(own: &OwnBudget) -> ActiveModel {
    let limit = |amount: Option<NanoUsd>| Set(amount.map(NanoUsd::nanos));
    ActiveModel {
        organization_id: Set(own.organization_id.as_uuid()),
        monthly: limit(own.budget.monthly),
        daily: limit(own.budget.daily),
        per_user_monthly: limit(own.budget.per_user_monthly),
        per_user_daily: limit(own.budget.per_user_daily),
        updated_at: Set(own.updated_at),
        revision: Set(own.revision.get()),
    }
}

impl StoreTransaction {
    pub(super) async fn find_budget(&self) -> Result<Option<OwnBudget>, StorageError> {
        self.check_one_organization()?;
        let row = self.lock(self.scope().select::<Column>()).one(self).await.map_err(storage)?;
        Ok(row.as_ref().map(budget_from))
    }

    pub(super) async fn insert_budget(&self, budget: &OwnBudget) -> Result<bool, StorageError> {
        let insert = self.scope().insert(budget_row(budget))?.on_conflict_do_nothing_on([Column::OrganizationId]);
        self.insert_new(insert).await
    }

    pub(super) async fn replace_budget(&self, budget: &OwnBudget, expected: Revision) -> Result<bool, StorageError> {
        let update = self
            .scope()
            .update_many::<Column>()
            .set(budget_row(budget))
            .filter(Column::OrganizationId.eq(budget.organization_id.as_uuid()))
            .filter(Column::Revision.eq(expected.get()));
        Ok(update.exec(self).await.map_err(storage)?.rows_affected == 1)
    }
}

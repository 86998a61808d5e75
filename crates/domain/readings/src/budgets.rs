use std::sync::Arc;

use chrono::{Datelike as _, NaiveDate};
use tenantry_identity::{AuditAction, AuditTarget};
use tenantry_kernel::{Clock, IdGenerator, Precondition, Revision, Store};
use tenantry_tenancy::{Permission, TenantContext};

use crate::ports::{ReadingTransaction, UsageFilter};
use crate::{Account, Budget, BudgetChange, BudgetField, NanoUsd, OwnBudget, Period, ReadingError, Spent, UsageItem};

/// Whose usage is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UsageScope {
    /// The actor's own.
    #[default]
    Mine,
    /// The organisation's.
    Organization,
}

/// What readings cost, and how much is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageReport {
    /// The first day, in UTC.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
    /// What may be spent this month; none for as much as one likes.
    pub budget: Option<NanoUsd>,
    /// What this month stands at.
    pub spent: Spent,
    /// What the days asked for stand at, by day, advisor and model.
    pub items: Vec<UsageItem>,
}

impl UsageReport {
    /// What is left of the month's budget.
    #[must_use]
    pub fn remaining(&self) -> Option<NanoUsd> {
        self.budget.map(|budget| budget.less(self.spent.settled).less(self.spent.reserved))
    }
}

/// What people do with budgets.
pub struct Budgets {
    store: Arc<dyn Store<TenantContext, dyn ReadingTransaction>>,
    of_platform: Budget,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl Budgets {
    const UPDATE: AuditAction = AuditAction::of("budget.update");

    /// The use cases over these ports; `of_platform` is what the platform allows each organisation.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store<TenantContext, dyn ReadingTransaction>>,
        of_platform: Budget,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { store, of_platform, clock, ids }
    }

    /// What the organisation has limited itself to; before anybody did, what the platform allows.
    ///
    /// # Errors
    /// [`ReadingError::Forbidden`] below ADMIN.
    pub async fn find(&self, context: &TenantContext) -> Result<OwnBudget, ReadingError> {
        context.require(Permission::ManageAdvisors)?;
        let mut transaction = self.store.read(context).await?;
        self.stored(transaction.as_mut(), context).await.map(|(budget, _)| budget)
    }

    /// Changes the limits.
    ///
    /// # Errors
    /// [`ReadingError::Forbidden`] below ADMIN; [`ReadingError::BudgetTooLarge`] names the first limit that the platform
    /// does not allow; [`ReadingError::RevisionMismatch`].
    pub async fn update(
        &self,
        context: &TenantContext,
        change: BudgetChange,
        precondition: &Precondition,
    ) -> Result<OwnBudget, ReadingError> {
        context.require(Permission::ManageAdvisors)?;
        self.check(change)?;
        let mut transaction = self.store.begin(context).await?;
        let (stored, expected) = self.stored(transaction.as_mut(), context).await?;
        if !precondition.allows(stored.revision) {
            return Err(ReadingError::RevisionMismatch);
        }
        let (now, budget) = (self.clock.now(), change.of(stored.budget));
        let budget = OwnBudget { budget, updated_at: now, revision: stored.revision.next(), ..stored };
        if !transaction.ledger().put_budget(&budget, expected).await? {
            return Err(ReadingError::RevisionMismatch);
        }
        let target = AuditTarget { kind: "organization".into(), id: Some(context.organization_id().as_uuid()) };
        let entry = context.audit_entry(&*self.ids, now, Self::UPDATE).about(target);
        transaction.audit().append(&entry).await?;
        transaction.commit().await?;
        Ok(budget)
    }

    /// What readings cost from the first to the last day; without them, this month so far.
    ///
    /// # Errors
    /// [`ReadingError::Forbidden`] for the organisation's below ADMIN.
    pub async fn usage(
        &self,
        context: &TenantContext,
        scope: UsageScope,
        from: Option<NaiveDate>,
        to: Option<NaiveDate>,
    ) -> Result<UsageReport, ReadingError> {
        let user_id = match scope {
            UsageScope::Mine => Some(context.user_id()?),
            UsageScope::Organization => {
                context.require(Permission::ManageAdvisors)?;
                None
            }
        };
        let today = self.clock.now().date_naive();
        let to = to.unwrap_or(today);
        let from = from.unwrap_or_else(|| to.with_day(1).unwrap_or(to));
        let account = Account { user_id, period: Period::Month(today) };
        let mut transaction = self.store.read(context).await?;
        let own = transaction.ledger().budget().await?;
        let budget = own.map_or(self.of_platform, |own| own.budget.within(self.of_platform));
        let spent = transaction.ledger().spent(&account).await?;
        let items = transaction.ledger().usage(&UsageFilter { user_id, from, to }).await?;
        Ok(UsageReport { from, to, budget: account.limit(&budget), spent, items })
    }

    async fn stored(
        &self,
        transaction: &mut dyn ReadingTransaction,
        context: &TenantContext,
    ) -> Result<(OwnBudget, Option<Revision>), ReadingError> {
        let stored = transaction.ledger().budget().await?;
        let expected = stored.map(|budget| budget.revision);
        let budget = stored.unwrap_or_else(|| OwnBudget {
            organization_id: context.organization_id(),
            budget: self.of_platform,
            updated_at: self.clock.now(),
            revision: Revision::FIRST,
        });
        Ok((budget, expected))
    }

    /// Whether no new limit is above the platform's.
    fn check(&self, change: BudgetChange) -> Result<(), ReadingError> {
        let (theirs, ours) = (change.of(Budget::default()), self.of_platform);
        let limits = [
            (BudgetField::Monthly, theirs.monthly, ours.monthly),
            (BudgetField::Daily, theirs.daily, ours.daily),
            (BudgetField::PerUserMonthly, theirs.per_user_monthly, ours.per_user_monthly),
            (BudgetField::PerUserDaily, theirs.per_user_daily, ours.per_user_daily),
        ];
        let is_above = |theirs: Option<NanoUsd>, ours: Option<NanoUsd>| theirs.zip(ours).is_some_and(|(a, b)| a > b);
        let above = limits.into_iter().find(|(_, theirs, ours)| is_above(*theirs, *ours));
        above.map_or(Ok(()), |(field, ..)| Err(ReadingError::BudgetTooLarge(field)))
    }
}

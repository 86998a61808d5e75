//! Whether the sums are what the rows of the ledger come to.

use std::collections::BTreeMap;

use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement, UnionType};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, QueryFilter, QueryOrder, QueryResult, QuerySelect, QueryTrait};
use tenantry_kernel::{OrganizationId, StorageError, UserId};
use tenantry_readings::{Account, Discrepancy, NanoUsd, Spent};
use uuid::Uuid;

use super::entries::{RESERVE, SETTLE, day_from};
use super::sums::{key_columns, subject, sum_row, with_new};
use crate::StoreTransaction;
use crate::error::storage;
use crate::row::{RowReader, corrupt};
use crate::scope::{organizations, reading_ledger, reading_sums};

/// Keeps two of these from mending the same sums twice.
const ONE_AT_A_TIME: &str = "SELECT pg_advisory_xact_lock(hashtextextended('tenantry.reading_sums', 0))";

/// By subject and period: what an account says, and what its rows come to.
type Accounts = BTreeMap<(Uuid, String), (Spent, Spent)>;

fn add(total: &mut Spent, more: Spent) {
    *total = Spent { settled: total.settled.plus(more.settled), reserved: total.reserved.plus(more.reserved) };
}

/// Puts a row of [`StoreTransaction::select_both`] where it belongs.
fn take(accounts: &mut Accounts, row: &QueryResult) -> Result<(), StorageError> {
    let mut row = RowReader::new(row);
    let (is_sum, of, period): (bool, Uuid, String) = (row.take()?, row.take()?, row.take()?);
    let spent = Spent { settled: NanoUsd::from_nanos(row.take()?), reserved: NanoUsd::from_nanos(row.take()?) };
    if is_sum {
        accounts.entry((of, period)).or_default().0 = spent;
        return Ok(());
    }
    let day = day_from(&period, || corrupt("reading_ledger", of, "day"))?;
    for account in Account::of(UserId::from_uuid(of), day) {
        let (_, booked) = accounts.entry((subject(account.user_id), account.period.to_string())).or_default();
        add(booked, spent);
    }
    Ok(())
}

fn name_of(subject: Uuid, period: &str) -> String {
    if subject.is_nil() { format!("{period} of the organisation") } else { format!("{period} of user {subject}") }
}

/// What has to be added to `counted` for `booked`.
fn difference(counted: Spent, booked: Spent) -> Spent {
    let missing =
        |counted: NanoUsd, booked: NanoUsd| NanoUsd::from_nanos(booked.nanos().saturating_sub(counted.nanos()));
    Spent { settled: missing(counted.settled, booked.settled), reserved: missing(counted.reserved, booked.reserved) }
}

impl StoreTransaction {
    pub(super) async fn reconcile_sums(&self, mend: bool) -> Result<Vec<Discrepancy>, StorageError> {
        if mend && self.get_database_backend() == DbBackend::Postgres {
            self.execute_unprepared(ONE_AT_A_TIME).await.map_err(storage)?;
        }
        let mut discrepancies = Vec::new();
        for organization_id in self.organizations_in_reach().await? {
            let mut accounts = Accounts::new();
            for row in self.rows(&self.select_both(organization_id)).await? {
                take(&mut accounts, &row)?;
            }
            accounts.retain(|_, (counted, booked)| counted != booked);
            for ((subject, period), (counted, booked)) in accounts {
                let account = name_of(subject, &period);
                if mend {
                    self.add_to_sum(organization_id, subject, period, difference(counted, booked)).await?;
                }
                let organization_id = OrganizationId::from_uuid(organization_id);
                discrepancies.push(Discrepancy { organization_id, account, counted, booked });
            }
        }
        Ok(discrepancies)
    }

    async fn organizations_in_reach(&self) -> Result<Vec<Uuid>, StorageError> {
        use organizations::Column;
        if let Some(id) = self.scope().organization_id() {
            return Ok(vec![id]);
        }
        let select = self.scope().select_own::<Column>().select_only().column(Column::Id).order_by_asc(Column::Id);
        let rows = self.rows(&select.into_query()).await?;
        rows.iter().map(|row| RowReader::new(row).take()).collect()
    }

    /// The organisation's rows by user and day, and its sums, in one statement: both are of the same moment.
    fn select_both(&self, organization_id: Uuid) -> SelectStatement {
        let [settled, reserved] = [true, false].map(|is_settled| self.select_booked(organization_id, is_settled));
        let mut both = self.select_counted(organization_id);
        both.union(UnionType::All, settled).union(UnionType::All, reserved).take()
    }

    fn select_counted(&self, organization_id: Uuid) -> SelectStatement {
        use reading_sums::Column;
        self.scope()
            .select::<Column>()
            .select_only()
            .expr(Expr::cust("TRUE"))
            .columns([Column::Subject, Column::Period, Column::Settled, Column::Reserved])
            .filter(Column::OrganizationId.eq(organization_id))
            .into_query()
    }

    /// What was settled, or what is reserved for readings that are not settled.
    fn select_booked(&self, organization_id: Uuid, is_settled: bool) -> SelectStatement {
        use reading_ledger::Column;
        let sum = Column::Amount.sum().cast_as("bigint");
        let nothing = Expr::cust("CAST(0 AS bigint)");
        let [settled, reserved] = if is_settled { [sum, nothing] } else { [nothing, sum] };
        self.scope()
            .select::<Column>()
            .select_only()
            .expr(Expr::cust("FALSE"))
            .columns([Column::UserId, Column::Day])
            .exprs([settled, reserved])
            .filter(Column::OrganizationId.eq(organization_id))
            .filter(Column::Kind.eq(if is_settled { SETTLE } else { RESERVE }))
            .apply_if((!is_settled).then_some(()), |select, ()| select.filter(Expr::not_exists(settled_too())))
            .group_by(Column::UserId)
            .group_by(Column::Day)
            .into_query()
    }

    /// Others may change the sum at the same time, and change its rows by as much: the difference stays.
    async fn add_to_sum(
        &self,
        organization_id: Uuid,
        subject: Uuid,
        period: String,
        difference: Spent,
    ) -> Result<(), StorageError> {
        use reading_sums::Column;
        let add = key_columns()
            .values([Column::Settled, Column::Reserved].map(|column| (column, with_new(column))))
            .to_owned();
        let insert = self.scope().insert(sum_row(organization_id, subject, period, difference))?.on_conflict(add);
        insert.exec_without_returning(self).await.map(|_| ()).map_err(storage)
    }
}

/// The settlement of the row's reading. The row itself is in reach, and so is its settlement.
fn settled_too() -> SelectStatement {
    use reading_ledger::Column;
    let other = Alias::new("settlement");
    let same = |column: Column| Expr::col((other.clone(), column)).eq(Expr::col(column.as_column_ref()));
    Query::select()
        .expr(Expr::val(1))
        .from_as(Alias::new("reading_ledger"), other.clone())
        .and_where(same(Column::OrganizationId))
        .and_where(same(Column::ReadingId))
        .and_where(Expr::col((other.clone(), Column::Kind)).eq(SETTLE))
        .take()
}

//! What the rows of the ledger come to. Those of one reading are changed by one statement, in the order of
//! [`Account::of`], so that nobody waits for each other.

use chrono::NaiveDate;
use sea_orm::sea_query::{Alias, CaseStatement, Condition, Expr, ExprTrait, OnConflict, SimpleExpr};
use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter, QuerySelect, QueryTrait};
use tenantry_kernel::{StorageError, UserId};
use tenantry_readings::{Account, Budget, NanoUsd, Reservation, Settlement, Spent};
use uuid::Uuid;

use super::entries::Reserved;
use crate::StoreTransaction;
use crate::error::storage;
use crate::row::RowReader;
use crate::scope::reading_sums::{ActiveModel, Column};

/// Whose account it is: a user's, or nobody's in particular, which is the organisation's.
pub(super) fn subject(user_id: Option<UserId>) -> Uuid {
    user_id.map_or(Uuid::nil(), UserId::as_uuid)
}

pub(super) fn sum_row(organization_id: Uuid, subject: Uuid, period: String, spent: Spent) -> ActiveModel {
    ActiveModel {
        organization_id: Set(organization_id),
        subject: Set(subject),
        period: Set(period),
        settled: Set(spent.settled.nanos()),
        reserved: Set(spent.reserved.nanos()),
    }
}

fn rows(organization_id: Uuid, (user_id, day): (UserId, NaiveDate), spent: Spent) -> Vec<ActiveModel> {
    let row = |account: Account| sum_row(organization_id, subject(account.user_id), account.period.to_string(), spent);
    Account::of(user_id, day).map(row).into()
}

pub(super) fn key_columns() -> OnConflict {
    OnConflict::columns([Column::OrganizationId, Column::Subject, Column::Period])
}

/// The column of the row that is there.
fn old(column: Column) -> Expr {
    Expr::col(column.as_column_ref())
}

/// The column of the row that could not be inserted.
fn new(column: Column) -> Expr {
    Expr::col((Alias::new("excluded"), column))
}

/// The column of the row that is there, and what is in that of the one that could not be inserted.
pub(super) fn with_new(column: Column) -> SimpleExpr {
    old(column).add(new(column))
}

/// How much each account may have in it before `amount` is added; none where the amount alone is too much for one.
fn room(reservation: &Reservation, budget: &Budget) -> Option<SimpleExpr> {
    let mut rooms = CaseStatement::new();
    for account in Account::of(reservation.user_id, reservation.day) {
        let limit = account.limit(budget).unwrap_or(NanoUsd::from_nanos(i64::MAX));
        let room = limit.nanos().checked_sub(reservation.amount.nanos()).filter(|room| *room >= 0)?;
        let is_account = Condition::all()
            .add(old(Column::Subject).eq(subject(account.user_id)))
            .add(old(Column::Period).eq(account.period.to_string()));
        rooms = rooms.case(is_account, Expr::val(room));
    }
    Some(rooms.into())
}

impl StoreTransaction {
    /// Adds to what is reserved, unless that would be more than some limit; tells whether it did so in every account.
    pub(super) async fn raise_reserved(
        &self,
        reservation: &Reservation,
        budget: &Budget,
    ) -> Result<bool, StorageError> {
        let Some(room) = room(reservation, budget) else { return Ok(false) };
        let organization_id = reservation.organization_id.as_uuid();
        let spent = Spent { settled: NanoUsd::ZERO, reserved: reservation.amount };
        let rows = rows(organization_id, (reservation.user_id, reservation.day), spent);
        let all = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let raise = key_columns()
            .value(Column::Reserved, with_new(Column::Reserved))
            .action_and_where(old(Column::Settled).add(old(Column::Reserved)).lte(room))
            .to_owned();
        let insert = self.scope().insert_many(rows)?.on_conflict(raise);
        Ok(insert.exec_without_returning(self).await.map_err(storage)? == all)
    }

    /// Puts what a reading cost in place of what was reserved for it.
    pub(super) async fn replace_reserved(
        &self,
        settlement: &Settlement,
        reserved: &Reserved,
    ) -> Result<(), StorageError> {
        let organization_id = settlement.organization_id.as_uuid();
        let spent = Spent { settled: settlement.bill.cost, reserved: NanoUsd::ZERO };
        let rows = rows(organization_id, (reserved.user_id, reserved.day), spent);
        let replace = key_columns()
            .value(Column::Settled, with_new(Column::Settled))
            .value(Column::Reserved, old(Column::Reserved).sub(reserved.amount.nanos()))
            .to_owned();
        let insert = self.scope().insert_many(rows)?.on_conflict(replace);
        insert.exec_without_returning(self).await.map(|_| ()).map_err(storage)
    }

    pub(super) async fn find_sum(&self, account: &Account) -> Result<Spent, StorageError> {
        self.check_one_organization()?;
        let select = self
            .scope()
            .select::<Column>()
            .select_only()
            .columns([Column::Settled, Column::Reserved])
            .filter(Column::Subject.eq(subject(account.user_id)))
            .filter(Column::Period.eq(account.period.to_string()));
        let Some(row) = self.row(&self.lock(select).into_query()).await? else { return Ok(Spent::default()) };
        let mut row = RowReader::new(&row);
        Ok(Spent { settled: NanoUsd::from_nanos(row.take()?), reserved: NanoUsd::from_nanos(row.take()?) })
    }
}

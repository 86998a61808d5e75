use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{CaseStatement, Condition, Expr, ExprTrait, InsertStatement, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, QueryFilter, QueryTrait};
use tenantry_identity::{Bucket, BucketKey, BucketRule, Settlement, ports::GuessLedger};
use tenantry_kernel::{StorageError, Transaction};

use crate::error::storage;
use crate::row::RowReader;
use crate::scope::Scope;
use crate::scope::guess_buckets::{ActiveModel, Column};
use crate::transaction::Mode;
use crate::{Database, StoreTransaction};

#[async_trait]
impl GuessLedger for Database {
    async fn reserve(&self, buckets: &[Bucket], now: DateTime<Utc>) -> Result<Option<Vec<u32>>, StorageError> {
        let transaction = self.begin(Scope::nobody(), Mode::Write).await?;
        let mut counts = Vec::with_capacity(buckets.len());
        for bucket in buckets {
            // Dropped, the transaction takes back what was counted in the buckets before this one.
            let Some(count) = transaction.reserve_guess(bucket, now).await? else { return Ok(None) };
            counts.push(count);
        }
        Box::new(transaction).commit().await?;
        Ok(Some(counts))
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<(), StorageError> {
        let transaction = self.begin(Scope::nobody(), Mode::Write).await?;
        for settlement in settlements {
            match *settlement {
                Settlement::Wrong(key, until) => transaction.settle_wrong(key, until).await?,
                Settlement::Unused(key) => transaction.take_back_guess(key).await?,
                Settlement::Right(key) => transaction.forget_guesses(key).await?,
            }
        }
        Box::new(transaction).commit().await
    }
}

impl StoreTransaction {
    /// One statement that counts and decides. A bucket that admits nothing is not touched, so that nothing comes back.
    async fn reserve_guess(&self, bucket: &Bucket, now: DateTime<Utc>) -> Result<Option<u32>, StorageError> {
        let insert = self.scope().insert(first_guess(bucket, now))?;
        let mut insert: InsertStatement = insert.on_conflict(next_guess(bucket.rule, now)).into_query();
        insert.returning_col(Column::Guesses);
        let row = self.query_one(&insert).await.map_err(storage)?;
        let count = row.map(|row| RowReader::new(&row).take::<i64>()).transpose()?;
        Ok(count.map(|count| u32::try_from(count).unwrap_or(u32::MAX)))
    }

    async fn settle_wrong(&self, key: BucketKey, until: DateTime<Utc>) -> Result<(), StorageError> {
        let update = self
            .scope()
            .update_many::<Column>()
            .col_expr(Column::Settled, old(Column::Settled).add(1))
            .col_expr(Column::BlockedUntil, later(Column::BlockedUntil, until))
            .col_expr(Column::ExpiresAt, later(Column::ExpiresAt, until))
            .filter(is_bucket(key));
        update.exec(self).await.map(|_| ()).map_err(storage)
    }

    async fn take_back_guess(&self, key: BucketKey) -> Result<(), StorageError> {
        let update = self
            .scope()
            .update_many::<Column>()
            .col_expr(Column::Guesses, old(Column::Guesses).sub(1))
            .filter(is_bucket(key))
            .filter(Column::Guesses.gt(0));
        update.exec(self).await.map(|_| ()).map_err(storage)
    }

    async fn forget_guesses(&self, key: BucketKey) -> Result<(), StorageError> {
        let delete = self.scope().delete_many::<Column>().filter(is_bucket(key));
        delete.exec(self).await.map(|_| ()).map_err(storage)
    }
}

fn is_bucket(key: BucketKey) -> Expr {
    Column::Key.eq(key.as_bytes().to_vec())
}

/// The bucket with one guess in it.
fn first_guess(bucket: &Bucket, now: DateTime<Utc>) -> ActiveModel {
    ActiveModel {
        key: Set(bucket.key.as_bytes().to_vec()),
        guesses: Set(1),
        settled: Set(0),
        last_guess_at: Set(now),
        blocked_until: Set(now),
        expires_at: Set(now + bucket.rule.window),
    }
}

/// One more guess in a bucket that is there and admits it.
fn next_guess(rule: BucketRule, now: DateTime<Utc>) -> OnConflict {
    let is_over = || old(Column::ExpiresAt).lte(now);
    // What was not settled in time never will be.
    let is_settled = || old(Column::LastGuessAt).lte(now - Bucket::settling_time());
    let unsettled = old(Column::Guesses).sub(old(Column::Settled));
    let settled = CaseStatement::new()
        .case(is_over(), 0_i64)
        .case(is_settled(), old(Column::Guesses))
        .finally(old(Column::Settled));
    let admits = Condition::all()
        .add(old(Column::BlockedUntil).lte(now))
        .add(old(Column::Guesses).lt(i64::from(rule.guesses)))
        .add(Condition::any().add(is_settled()).add(unsettled.lt(i64::from(rule.at_once))));
    OnConflict::column(Column::Key)
        .values([
            (Column::Guesses, either(is_over(), 1_i64, old(Column::Guesses).add(1))),
            (Column::Settled, settled.into()),
            (Column::LastGuessAt, Expr::val(now)),
            (Column::BlockedUntil, either(is_over(), now, old(Column::BlockedUntil))),
            (Column::ExpiresAt, either(is_over(), now + rule.window, old(Column::ExpiresAt))),
        ])
        .action_cond_where(Condition::any().add(is_over()).add(admits))
        .to_owned()
}

/// The column as it was before the statement.
fn old(column: Column) -> Expr {
    Expr::col(column.as_column_ref())
}

fn either(condition: Expr, then: impl Into<Expr>, otherwise: impl Into<Expr>) -> Expr {
    CaseStatement::new().case(condition, then).finally(otherwise).into()
}

/// The later of the two.
fn later(column: Column, time: DateTime<Utc>) -> Expr {
    either(old(column).lt(time), time, old(column))
}

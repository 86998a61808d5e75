use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, LockBehavior, LockType, SimpleExpr};
use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use tenantry_application::MAIL_QUEUE;
use tenantry_identity::{
    ClaimedMail, Delivery, MailId, MailKind, OutgoingMail, RecipientDigest,
    ports::{Outbox, OutboxRepository},
};
use tenantry_kernel::{StorageError, Transaction};
use uuid::Uuid;

use crate::error::storage;
use crate::row::{RowReader, corrupt};
use crate::scope::Scope;
use crate::scope::outbox::{ActiveModel, Column, Model};
use crate::transaction::Mode;
use crate::{Database, StoreTransaction};

pub(crate) const QUEUED: &str = "queued";
const SENT: &str = "sent";
const DROPPED: &str = "dropped";
const DEAD: &str = "dead";

fn to_row(mail: &OutgoingMail) -> ActiveModel {
    ActiveModel {
        id: Set(mail.id.as_uuid()),
        kind: Set(mail.kind.as_str().to_owned()),
        recipient: Set(mail.recipient.0.to_vec()),
        state: Set(QUEUED.to_owned()),
        sealed: Set(Some(mail.sealed.clone())),
        attempts: Set(0),
        epoch: Set(0),
        due_at: Set(mail.created_at),
        error: Set(None),
        created_at: Set(mail.created_at),
        settled_at: Set(None),
        expires_at: Set(mail.expires_at),
    }
}

fn from_row(row: Model) -> Result<ClaimedMail, StorageError> {
    let broken = |column| corrupt("outbox", row.id, column);
    let mail = OutgoingMail {
        id: MailId::from_uuid(row.id),
        kind: MailKind::from_name(&row.kind).ok_or_else(|| broken("kind"))?,
        recipient: RecipientDigest(row.recipient.try_into().or(Err(corrupt("outbox", row.id, "recipient")))?),
        sealed: row.sealed.ok_or_else(|| corrupt("outbox", row.id, "sealed"))?,
        created_at: row.created_at,
        expires_at: row.expires_at,
    };
    Ok(ClaimedMail { mail, epoch: row.epoch, attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX) })
}

#[async_trait]
impl OutboxRepository for StoreTransaction {
    async fn insert(&mut self, mail: &OutgoingMail) -> Result<(), StorageError> {
        let insert = self.scope().insert(to_row(mail))?;
        insert.exec_without_returning(self).await.map_err(storage)?;
        self.wanted_bells().add(MAIL_QUEUE);
        Ok(())
    }
}

#[async_trait]
impl Outbox for Database {
    async fn claim(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u16,
    ) -> Result<Vec<ClaimedMail>, StorageError> {
        // Most of the time there is none, and to find that out needs no lock.
        if due(&self.begin(Scope::platform(), Mode::Read).await?, now, 1).await?.is_empty() {
            return Ok(Vec::new());
        }
        let transaction = self.begin(Scope::platform(), Mode::Write).await?;
        let ids = due(&transaction, now, limit).await?;
        let update = transaction
            .scope()
            .update_many::<Column>()
            .col_expr(Column::DueAt, SimpleExpr::from(until))
            .col_expr(Column::Epoch, Expr::col(Column::Epoch).add(1))
            .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
            .filter(Column::Id.is_in(ids));
        let rows = update.exec_with_returning(&transaction).await.map_err(storage)?;
        Box::new(transaction).commit().await?;
        rows.into_iter().map(from_row).collect()
    }

    async fn settle(
        &self,
        claimed: &ClaimedMail,
        delivery: &Delivery,
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let transaction = self.begin(Scope::platform(), Mode::Write).await?;
        let update = transaction
            .scope()
            .update_many::<Column>()
            .set(settled(claimed, delivery, now))
            .filter(Column::Id.eq(claimed.mail.id.as_uuid()))
            .filter(Column::State.eq(QUEUED))
            .filter(Column::Epoch.eq(claimed.epoch));
        let updated = update.exec(&transaction).await.map_err(storage)?.rows_affected;
        Box::new(transaction).commit().await?;
        Ok(updated == 1)
    }

    async fn count_before(&self, mail: &OutgoingMail, since: DateTime<Utc>) -> Result<u64, StorageError> {
        let transaction = self.begin(Scope::platform(), Mode::Read).await?;
        let select = transaction
            .scope()
            .select::<Column>()
            .select_only()
            .expr(Column::Id.count())
            .filter(Column::Recipient.eq(mail.recipient.0.to_vec()))
            .filter(Column::Kind.eq(mail.kind.as_str()))
            .filter(Column::CreatedAt.between(since, mail.created_at))
            // Of those that came at the same time, the identifiers, which are in order too, say which was before.
            .filter(Column::Id.lt(mail.id.as_uuid()))
            .filter(Column::State.ne(DROPPED));
        transaction.count(&select.into_query()).await
    }
}

impl StoreTransaction {
    /// Lets a mail that could not be sent be tried again, as if it never had been; tells whether it was so.
    pub(crate) async fn retry_mail(&self, id: MailId, now: DateTime<Utc>) -> Result<bool, StorageError> {
        let change = ActiveModel {
            state: Set(QUEUED.to_owned()),
            attempts: Set(0),
            due_at: Set(now),
            error: Set(None),
            settled_at: Set(None),
            ..Default::default()
        };
        let update = self.scope().update_many::<Column>().set(change).filter(Column::Id.eq(id.as_uuid()));
        let update = update.filter(Column::State.eq(DEAD));
        Ok(update.exec(self).await.map_err(storage)?.rows_affected == 1)
    }

    /// Drops a mail that waits, unless a worker is at it; tells whether it did.
    pub(crate) async fn drop_mail(&self, id: MailId, now: DateTime<Utc>) -> Result<bool, StorageError> {
        let change = ActiveModel {
            state: Set(DROPPED.to_owned()),
            sealed: Set(None),
            error: Set(Some("it was cancelled".to_owned())),
            settled_at: Set(Some(now)),
            ..Default::default()
        };
        // A worker that claims a mail counts the attempt, and moves the time at which it is due to the end of the claim.
        let is_unclaimed = Column::Attempts.eq(0).or(Column::DueAt.lte(now));
        let update = self.scope().update_many::<Column>().set(change).filter(Column::Id.eq(id.as_uuid()));
        let update = update.filter(Column::State.eq(QUEUED)).filter(is_unclaimed);
        Ok(update.exec(self).await.map_err(storage)?.rows_affected == 1)
    }
}

/// The mails that are due, the longest due first, locked where the transaction may write. What another worker is just
/// claiming is left to it.
async fn due(transaction: &StoreTransaction, now: DateTime<Utc>, limit: u16) -> Result<Vec<Uuid>, StorageError> {
    let mut select = transaction
        .scope()
        .select::<Column>()
        .select_only()
        .column(Column::Id)
        .filter(Column::State.eq(QUEUED))
        .filter(Column::DueAt.lte(now))
        .order_by_asc(Column::DueAt)
        .order_by_asc(Column::Id)
        .limit(u64::from(limit));
    if transaction.locks_rows() {
        select = select.lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked);
    }
    let rows = transaction.rows(&select.into_query()).await?;
    rows.iter().map(|row| RowReader::new(row).take()).collect()
}

/// What the outcome of an attempt changes of the row.
fn settled(claimed: &ClaimedMail, delivery: &Delivery, now: DateTime<Utc>) -> ActiveModel {
    let ended = |state: &str, error: Option<String>| ActiveModel {
        state: Set(state.to_owned()),
        error: Set(error),
        settled_at: Set(Some(now)),
        // Kept as long as it would have been if it had been put into the outbox now.
        expires_at: Set(now + (claimed.mail.expires_at - claimed.mail.created_at)),
        ..Default::default()
    };
    match delivery {
        Delivery::Sent => ActiveModel { sealed: Set(None), ..ended(SENT, None) },
        Delivery::Dropped { reason } => ActiveModel { sealed: Set(None), ..ended(DROPPED, Some((*reason).to_owned())) },
        Delivery::Dead { error } => ended(DEAD, Some(error.clone())),
        Delivery::Postponed { until, error } => {
            ActiveModel { due_at: Set(*until), error: Set(Some(error.clone())), ..Default::default() }
        }
    }
}

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use tenantry_application::ports::{Housekeeping, PurgeLimits, PurgeReport};
use tenantry_kernel::{StorageError, Transaction};

use crate::Database;
use crate::error::storage;
use crate::scope::{
    Scope, Scoped, guess_buckets, idempotency_keys, invitations, mailed_links, outbox, revocations, sessions,
};
use crate::transaction::Mode;

/// Rows that one transaction deletes at most.
const BATCH: u64 = 1_000;

#[async_trait]
impl Housekeeping for Database {
    async fn purge(&self, limits: PurgeLimits) -> Result<PurgeReport, StorageError> {
        use invitations::Column as Invitation;
        use {guess_buckets::Column as Guesses, idempotency_keys::Column as Request, mailed_links::Column as Link};
        use {outbox::Column as Mail, revocations::Column as Revocation, sessions::Column as Session};
        let now = limits.now;
        Ok(PurgeReport {
            sessions: self.purge_table(&[Session::Id], Session::ExpiresAt, now).await?,
            requests: self.purge_table(&[Request::UserId, Request::Key], Request::ExpiresAt, now).await?,
            revocations: self.purge_table(&[Revocation::Id], Revocation::ExpiresAt, now).await?,
            mails: self.purge_table(&[Mail::Id], Mail::ExpiresAt, now).await?,
            links: self.purge_table(&[Link::UserId, Link::Purpose], Link::ExpiresAt, now).await?,
            invitations: self
                .purge_table(&[Invitation::OrganizationId, Invitation::Id], Invitation::ExpiresAt, now)
                .await?,
            guesses: self.purge_table(&[Guesses::Key], Guesses::ExpiresAt, now).await?,
            runs: self.purge_runs(limits.runs_ended_by).await?,
            accounts: self.erase_accounts(limits).await?,
            organizations: self.erase_organizations(limits).await?,
        })
    }
}

impl Database {
    /// Deletes the rows of a table that had expired, batch by batch, and counts them.
    async fn purge_table<C>(&self, key: &[C], expires_at: C, now: DateTime<Utc>) -> Result<u64, StorageError>
    where
        C: ColumnTrait<EntityName: Scoped>,
    {
        let mut total = 0;
        loop {
            let deleted = self.purge_batch(key, expires_at, now).await?;
            total += deleted;
            if deleted < BATCH {
                return Ok(total);
            }
        }
    }

    async fn purge_batch<C>(&self, key: &[C], expires_at: C, now: DateTime<Utc>) -> Result<u64, StorageError>
    where
        C: ColumnTrait<EntityName: Scoped>,
    {
        let transaction = self.begin(Scope::platform(), Mode::Write).await?;
        let expired = transaction
            .scope()
            .select::<C>()
            .select_only()
            .columns(key.iter().copied())
            .filter(expires_at.lte(now))
            .order_by_asc(expires_at)
            .limit(BATCH)
            .into_query();
        let key = Expr::tuple(key.iter().map(|column| Expr::col(column.as_column_ref())));
        let delete = transaction.scope().delete_many::<C>().filter(key.in_subquery(expired));
        let deleted = delete.exec(&transaction).await.map_err(storage)?.rows_affected;
        Box::new(transaction).commit().await?;
        Ok(deleted)
    }
}

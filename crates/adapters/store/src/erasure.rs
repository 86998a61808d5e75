//! Erasure of deleted accounts. The row stays, since tasks refer to it, and says nothing of the person any more.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use tenantry_application::ports::PurgeLimits;
use tenantry_kernel::{StorageError, Transaction};
use uuid::Uuid;

use crate::error::storage;
use crate::row::RowReader;
use crate::scope::{
    Scope, Scoped, api_keys, credentials, idempotency_keys, mailed_links, recovery_codes, sessions, totp_secrets, users,
};
use crate::transaction::Mode;
use crate::{Database, StoreTransaction};

/// Accounts that one transaction erases at most.
const BATCH: u64 = 100;

/// How both keys of an erased account begin. Neither an address nor a username has a colon, so nobody can have taken
/// the key before, which would stop the purge.
const ERASED: &str = "erased:";

impl Database {
    /// Erases the accounts that were deleted long enough ago, batch by batch, and counts them.
    pub(crate) async fn erase_accounts(&self, limits: PurgeLimits) -> Result<u64, StorageError> {
        let mut total = 0;
        loop {
            let erased = self.erase_batch(limits).await?;
            total += erased;
            if erased < BATCH {
                return Ok(total);
            }
        }
    }

    async fn erase_batch(&self, limits: PurgeLimits) -> Result<u64, StorageError> {
        let transaction = self.begin(Scope::platform(), Mode::Read).await?;
        let emptied = due(&transaction, limits).await?;
        drop(transaction);
        if emptied.is_empty() {
            return Ok(0);
        }
        self.erase_readings_of(&emptied).await?;
        let transaction = self.begin(Scope::platform(), Mode::Write).await?;
        let mut ids = due(&transaction, limits).await?;
        ids.retain(|id| emptied.contains(id));
        let mut erased = 0;
        for id in &ids {
            erased += erase_row(&transaction, *id, limits).await?;
        }
        delete_of(&transaction, api_keys::Column::UserId, &ids).await?;
        delete_of(&transaction, credentials::Column::UserId, &ids).await?;
        delete_of(&transaction, totp_secrets::Column::UserId, &ids).await?;
        delete_of(&transaction, recovery_codes::Column::UserId, &ids).await?;
        delete_of(&transaction, mailed_links::Column::UserId, &ids).await?;
        delete_of(&transaction, sessions::Column::UserId, &ids).await?;
        delete_of(&transaction, idempotency_keys::Column::UserId, &ids).await?;
        Box::new(transaction).commit().await?;
        Ok(erased)
    }
}

/// The accounts whose time has come, the first deleted first.
async fn due(transaction: &StoreTransaction, limits: PurgeLimits) -> Result<Vec<Uuid>, StorageError> {
    use users::Column;
    let select = transaction
        .scope()
        .select::<Column>()
        .select_only()
        .column(Column::Id)
        .filter(Column::DeletedAt.lte(limits.erase_deleted_by))
        .filter(Column::EmailKey.not_like(format!("{ERASED}%")))
        .order_by_asc(Column::DeletedAt)
        .order_by_asc(Column::Id)
        .limit(BATCH);
    let rows = transaction.rows(&transaction.lock(select).into_query()).await?;
    rows.iter().map(|row| RowReader::new(row).take()).collect()
}

/// Overwrites what the row says of the person.
async fn erase_row(transaction: &StoreTransaction, id: Uuid, limits: PurgeLimits) -> Result<u64, StorageError> {
    use users::Column;
    let erased = users::ActiveModel {
        email: Set(format!("erased-{id}@erased.invalid")),
        email_key: Set(format!("{ERASED}{id}")),
        username: Set(format!("erased-{id}")),
        username_key: Set(format!("{ERASED}{id}")),
        full_name: Set(None),
        search_text: Set(String::new()),
        email_verified_at: Set(None),
        last_login_at: Set(None),
        updated_at: Set(limits.now),
        ..Default::default()
    };
    let update = transaction
        .scope()
        .update_many::<Column>()
        .set(erased)
        .col_expr(Column::Revision, Expr::col(Column::Revision).add(1))
        .filter(Column::Id.eq(id));
    Ok(update.exec(transaction).await.map_err(storage)?.rows_affected)
}

/// Deletes the rows of the accounts.
async fn delete_of<C>(transaction: &StoreTransaction, user_id: C, ids: &[Uuid]) -> Result<(), StorageError>
where
    C: ColumnTrait<EntityName: Scoped>,
{
    let delete = transaction.scope().delete_many::<C>().filter(user_id.is_in(ids.iter().copied()));
    delete.exec(transaction).await.map(|_| ()).map_err(storage)
}

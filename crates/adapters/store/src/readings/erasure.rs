//! What goes with an account. What its readings cost stays booked, under an id that nobody has any more.

use sea_orm::{ColumnTrait, QueryFilter, QuerySelect, QueryTrait};
use tenantry_kernel::{StorageError, Transaction};
use uuid::Uuid;

use crate::Database;
use crate::error::storage;
use crate::scope::Scope;
use crate::scope::readings::Column;
use crate::transaction::Mode;

/// Readings that one transaction deletes at most: each has many pieces.
const BATCH: u64 = 100;

impl Database {
    /// Erases what these users have asked and were answered, in all organisations.
    pub(crate) async fn erase_readings_of(&self, users: &[Uuid]) -> Result<(), StorageError> {
        loop {
            let transaction = self.begin(Scope::platform(), Mode::Write).await?;
            let scope = *transaction.scope();
            let theirs = Column::UserId.is_in(users.iter().copied());
            let some = scope.select::<Column>().select_only().column(Column::Id).filter(theirs).limit(BATCH);
            let delete = scope.delete_many::<Column>().filter(Column::Id.in_subquery(some.into_query()));
            let deleted = delete.exec(&transaction).await.map_err(storage)?.rows_affected;
            Box::new(transaction).commit().await?;
            if deleted < BATCH {
                return Ok(());
            }
        }
    }
}

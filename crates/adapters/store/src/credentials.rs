use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbBackend, QueryFilter, QueryResult, QuerySelect, QueryTrait,
    Statement,
};
use tenantry_identity::{PasswordHash, ports::CredentialRepository};
use tenantry_kernel::{StorageError, UserId};

use crate::StoreTransaction;
use crate::error::storage;
use crate::row::{RowReader, corrupt};
use crate::scope::credentials::{ActiveModel, Column};

impl StoreTransaction {
    /// On PostgreSQL no request may select a hash: the function hands out the actor's own.
    async fn own_hash(&self, id: UserId) -> Result<Option<QueryResult>, StorageError> {
        if self.get_database_backend() == DbBackend::Postgres {
            let call = Statement::from_sql_and_values(
                DbBackend::Postgres,
                "SELECT password_hash FROM tenantry_credential_of($1)",
                [id.as_uuid().into()],
            );
            return self.query_one_raw(call).await.map_err(storage);
        }
        let select = self.scope().select::<Column>().select_only().column(Column::PasswordHash);
        self.row(&select.filter(Column::UserId.eq(id.as_uuid())).into_query()).await
    }
}

#[async_trait]
impl CredentialRepository for StoreTransaction {
    async fn find(&mut self, id: UserId) -> Result<Option<PasswordHash>, StorageError> {
        let row = self.own_hash(id).await?;
        row.map(|row| RowReader::new(&row).take().map(PasswordHash::from_stored)).transpose()
    }

    async fn insert(&mut self, id: UserId, hash: &PasswordHash, at: DateTime<Utc>) -> Result<(), StorageError> {
        let row = ActiveModel {
            user_id: Set(id.as_uuid()),
            password_hash: Set(hash.as_str().to_owned()),
            updated_at: Set(at),
        };
        let insert = self.scope().insert(row)?;
        insert.exec_without_returning(self).await.map(|_| ()).map_err(storage)
    }

    async fn update(&mut self, id: UserId, hash: &PasswordHash, at: DateTime<Utc>) -> Result<(), StorageError> {
        let change =
            ActiveModel { password_hash: Set(hash.as_str().to_owned()), updated_at: Set(at), ..Default::default() };
        let update = self.scope().update_many::<Column>().set(change).filter(Column::UserId.eq(id.as_uuid()));
        let updated = update.exec(self).await.map_err(storage)?.rows_affected;
        if updated == 1 { Ok(()) } else { Err(corrupt("credentials", id, "user_id")) }
    }
}

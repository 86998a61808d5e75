use async_trait::async_trait;
use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter};
use tenantry_application::{IdempotencyKey, StoredRequest, ports::RequestRepository};
use tenantry_kernel::{StorageError, UserId};

use crate::StoreTransaction;
use crate::error::storage;
use crate::scope::idempotency_keys::{ActiveModel, Column, Model};

fn request_from(row: Model) -> StoredRequest {
    StoredRequest {
        user_id: UserId::from_uuid(row.user_id),
        key: IdempotencyKey::from_stored(row.key),
        fingerprint: row.fingerprint,
        resource_id: row.resource_id,
        locked_until: row.locked_until,
        sealed_answer: row.response,
        created_at: row.created_at,
        expires_at: row.expires_at,
    }
}

/// All but the key of the row.
fn changeable(request: &StoredRequest) -> ActiveModel {
    ActiveModel {
        fingerprint: Set(request.fingerprint.clone()),
        resource_id: Set(request.resource_id),
        locked_until: Set(request.locked_until),
        response: Set(request.sealed_answer.clone()),
        created_at: Set(request.created_at),
        expires_at: Set(request.expires_at),
        ..Default::default()
    }
}

/// The scope holds the user's own requests only, so the key alone tells them apart.
#[async_trait]
impl RequestRepository for StoreTransaction {
    async fn find(&mut self, key: &IdempotencyKey) -> Result<Option<StoredRequest>, StorageError> {
        let select = self.scope().select::<Column>().filter(Column::Key.eq(key.as_str()));
        let row = self.lock(select).one(self).await.map_err(storage)?;
        Ok(row.map(request_from))
    }

    async fn insert(&mut self, request: &StoredRequest) -> Result<bool, StorageError> {
        let row = ActiveModel {
            user_id: Set(request.user_id.as_uuid()),
            key: Set(request.key.as_str().to_owned()),
            ..changeable(request)
        };
        let insert = self.scope().insert(row)?.on_conflict_do_nothing_on([Column::UserId, Column::Key]);
        self.insert_new(insert).await
    }

    async fn update(&mut self, request: &StoredRequest) -> Result<(), StorageError> {
        let update =
            self.scope().update_many::<Column>().set(changeable(request)).filter(Column::Key.eq(request.key.as_str()));
        update.exec(self).await.map(|_| ()).map_err(storage)
    }

    async fn delete(&mut self, key: &IdempotencyKey) -> Result<(), StorageError> {
        let delete = self.scope().delete_many::<Column>().filter(Column::Key.eq(key.as_str()));
        delete.exec(self).await.map(|_| ()).map_err(storage)
    }
}

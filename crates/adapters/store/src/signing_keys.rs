use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QueryTrait, Value};
use tenantry_identity::{
    AuditEntry, KeyId, SigningKey, SigningKeyChanges, SigningKeyState,
    ports::{AuditRepository, SigningKeyStore},
};
use tenantry_kernel::{StorageError, Transaction};

use crate::error::storage;
use crate::scope::Scope;
use crate::scope::signing_keys::{ActiveModel, Column, Model};
use crate::transaction::Mode;
use crate::{Database, StoreTransaction};

#[async_trait]
impl SigningKeyStore for Database {
    async fn list(&self) -> Result<Vec<SigningKey>, StorageError> {
        let transaction = self.begin(Scope::nobody(), Mode::Read).await?;
        let select = transaction.scope().select::<Column>();
        let select = select.order_by_asc(Column::CreatedAt).order_by_asc(Column::Id);
        let rows = select.all(&transaction).await.map_err(storage)?;
        rows.into_iter().map(from_row).collect()
    }

    async fn apply(&self, changes: &SigningKeyChanges, entries: &[AuditEntry]) -> Result<bool, StorageError> {
        let mut transaction = self.begin(Scope::platform(), Mode::Write).await?;
        if !transaction.change_signing_keys(changes).await? {
            return Ok(false);
        }
        for entry in entries {
            transaction.append(entry).await?;
        }
        Box::new(transaction).commit().await?;
        Ok(true)
    }
}

impl StoreTransaction {
    /// Tells whether everything was as the changes take it to be. Encrypting comes before retiring, which drops a part.
    async fn change_signing_keys(&self, changes: &SigningKeyChanges) -> Result<bool, StorageError> {
        let mut is_so = true;
        for id in &changes.removed {
            is_so &= self.remove_signing_key(id).await?;
        }
        for key in &changes.resealed {
            is_so &= self.reseal_signing_key(key).await?;
        }
        if let Some(id) = &changes.retired {
            is_so &= self.move_signing_key(id, SigningKeyState::Active, SigningKeyState::Retired, changes.at).await?;
        }
        if let Some(id) = &changes.activated {
            is_so &= self.move_signing_key(id, SigningKeyState::Next, SigningKeyState::Active, changes.at).await?;
        }
        for key in &changes.inserted {
            is_so &= self.add_signing_key(key).await?;
        }
        Ok(is_so)
    }

    /// Whatever it conflicts with: its name, or another key in its state.
    async fn add_signing_key(&self, key: &SigningKey) -> Result<bool, StorageError> {
        let insert = self.scope().insert(to_row(key))?;
        let insert = insert.on_conflict(OnConflict::new().do_nothing().to_owned()).into_query();
        Ok(self.execute(&insert).await.map_err(storage)?.rows_affected() == 1)
    }

    async fn remove_signing_key(&self, id: &KeyId) -> Result<bool, StorageError> {
        let delete = self.scope().delete_many::<Column>().filter(Column::Id.eq(id.as_str()));
        Ok(delete.exec(self).await.map_err(storage)?.rows_affected == 1)
    }

    async fn reseal_signing_key(&self, key: &SigningKey) -> Result<bool, StorageError> {
        let update = self
            .scope()
            .update_many::<Column>()
            .col_expr(Column::SealedPrivate, Expr::val(key.sealed_private.clone()))
            .col_expr(Column::SealedPublic, Expr::val(key.sealed_public.clone()))
            .filter(Column::Id.eq(key.id.as_str()))
            .filter(Column::State.eq(key.state.as_str()));
        Ok(update.exec(self).await.map_err(storage)?.rows_affected == 1)
    }

    async fn move_signing_key(
        &self,
        id: &KeyId,
        from: SigningKeyState,
        to: SigningKeyState,
        at: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let update = self
            .scope()
            .update_many::<Column>()
            .col_expr(Column::State, Expr::val(to.as_str()))
            .col_expr(Column::Since, Expr::val(at))
            .filter(Column::Id.eq(id.as_str()))
            .filter(Column::State.eq(from.as_str()));
        let update = match to {
            SigningKeyState::Retired => update.col_expr(Column::SealedPrivate, Expr::val(Value::Bytes(None))),
            _ => update,
        };
        Ok(update.exec(self).await.map_err(storage)?.rows_affected == 1)
    }
}

fn to_row(key: &SigningKey) -> ActiveModel {
    ActiveModel {
        id: Set(key.id.as_str().to_owned()),
        state: Set(key.state.as_str().to_owned()),
        since: Set(key.since),
        sealed_private: Set(key.sealed_private.clone()),
        sealed_public: Set(key.sealed_public.clone()),
        created_at: Set(key.created_at),
    }
}

fn from_row(row: Model) -> Result<SigningKey, StorageError> {
    let state = SigningKeyState::from_stored(&row.state)
        .ok_or_else(|| StorageError::Corrupt(format!("signing_keys.state of {}", row.id)))?;
    Ok(SigningKey {
        id: KeyId::new(row.id),
        state,
        since: row.since,
        sealed_private: row.sealed_private,
        sealed_public: row.sealed_public,
        created_at: row.created_at,
    })
}

use async_trait::async_trait;
use chrono::Duration;
use sea_orm::sea_query::{DynIden, Expr, ExprTrait};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DbBackend, QueryFilter, QueryOrder, QueryResult,
    QuerySelect, QueryTrait, Statement,
};
use tenantry_identity::{
    ApiKey, ApiKeyDigest, ApiKeyId, ApiKeyName, ApiKeyScopes, ApiKeyUse, KnownApiKey,
    ports::{ApiKeyLookup, ApiKeyRepository, ApiKeyUses},
};
use tenantry_kernel::{OrganizationId, StorageError, Transaction, UserId};
use uuid::Uuid;

use crate::error::storage;
use crate::row::{RowReader, corrupt};
use crate::scope::api_keys::{ActiveModel, Column, Model};
use crate::scope::{Scope, memberships, organizations, users};
use crate::transaction::Mode;
use crate::{Database, StoreTransaction};

/// The columns in the order in which they are read.
const POSTGRES_LOOK_UP: &str = "SELECT id, organization_id, user_id, role, scopes, expires_at, last_used_at, \
    user_epoch, membership_epoch FROM tenantry_api_key_by_digest($1)";

#[async_trait]
impl ApiKeyRepository for StoreTransaction {
    async fn list(&mut self) -> Result<Vec<ApiKey>, StorageError> {
        let select = self.scope().select::<Column>();
        let select = select.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id);
        let rows = select.all(self).await.map_err(storage)?;
        rows.into_iter().map(from_row).collect()
    }

    async fn insert(&mut self, key: &ApiKey, digest: &ApiKeyDigest) -> Result<(), StorageError> {
        let insert = self.scope().insert(to_row(key, digest))?;
        insert.exec_without_returning(self).await.map(|_| ()).map_err(storage)
    }

    async fn delete(&mut self, id: ApiKeyId) -> Result<bool, StorageError> {
        let delete = self.scope().delete_many::<Column>().filter(Column::Id.eq(id.as_uuid()));
        Ok(delete.exec(self).await.map_err(storage)?.rows_affected == 1)
    }
}

fn to_row(key: &ApiKey, digest: &ApiKeyDigest) -> ActiveModel {
    ActiveModel {
        organization_id: Set(key.organization_id.as_uuid()),
        id: Set(key.id.as_uuid()),
        user_id: Set(key.user_id.as_uuid()),
        name: Set(key.name.as_str().to_owned()),
        prefix: Set(key.prefix.clone()),
        digest: Set(digest.0.to_vec()),
        scopes: Set(key.scopes.names().join(" ")),
        created_at: Set(key.created_at),
        expires_at: Set(key.expires_at),
        last_used_at: Set(key.last_used_at),
    }
}

fn from_row(row: Model) -> Result<ApiKey, StorageError> {
    Ok(ApiKey {
        id: ApiKeyId::from_uuid(row.id),
        organization_id: OrganizationId::from_uuid(row.organization_id),
        user_id: UserId::from_uuid(row.user_id),
        name: ApiKeyName::from_stored(row.name),
        prefix: row.prefix,
        scopes: read_scopes(&row.scopes, row.id)?,
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used_at: row.last_used_at,
    })
}

fn read_scopes(names: &str, id: Uuid) -> Result<ApiKeyScopes, StorageError> {
    ApiKeyScopes::parse(names.split(' ')).or(Err(corrupt("api_keys", id, "scopes")))
}

#[async_trait]
impl ApiKeyLookup for Database {
    async fn find(&self, digest: &ApiKeyDigest) -> Result<Option<KnownApiKey>, StorageError> {
        let found = if self.is_postgres() {
            let transaction = self.begin(Scope::nobody(), Mode::Read).await?;
            let call = [digest.0.to_vec().into()];
            let call = Statement::from_sql_and_values(DbBackend::Postgres, POSTGRES_LOOK_UP, call);
            transaction.query_one_raw(call).await.map_err(storage)?
        } else {
            sqlite_key(&self.begin(Scope::platform(), Mode::Read).await?, digest).await?
        };
        found.map(|row| read_known(&row)).transpose()
    }
}

fn read_known(row: &QueryResult) -> Result<KnownApiKey, StorageError> {
    let mut row = RowReader::new(row);
    let id: Uuid = row.take()?;
    let (organization_id, user_id, role): (Uuid, Uuid, String) = (row.take()?, row.take()?, row.take()?);
    let scopes = read_scopes(&row.take::<String>()?, id)?;
    Ok(KnownApiKey {
        id: ApiKeyId::from_uuid(id),
        organization_id: OrganizationId::from_uuid(organization_id),
        user_id: UserId::from_uuid(user_id),
        role,
        scopes,
        expires_at: row.take()?,
        last_used_at: row.take()?,
        user_epoch: row.take()?,
        membership_epoch: row.take()?,
    })
}

/// What the look-up function does on PostgreSQL.
async fn sqlite_key(
    transaction: &StoreTransaction,
    digest: &ApiKeyDigest,
) -> Result<Option<QueryResult>, StorageError> {
    use {memberships::Column as Membership, organizations::Column as Organization, users::Column as User};
    let same = |one: (DynIden, DynIden), other: (DynIden, DynIden)| Expr::col(one).equals(other);
    let mut select = transaction
        .scope()
        .select::<Column>()
        .select_only()
        .columns([Column::Id, Column::OrganizationId, Column::UserId])
        .filter(Column::Digest.eq(digest.0.to_vec()))
        .filter(Membership::IsActive.eq(true))
        .filter(User::IsActive.eq(true))
        .filter(User::DeletedAt.is_null())
        .filter(Organization::IsActive.eq(true))
        .filter(Organization::DeletedAt.is_null())
        .into_query();
    select
        .column(Membership::Role.as_column_ref())
        .columns([Column::Scopes, Column::ExpiresAt, Column::LastUsedAt].map(|column| column.as_column_ref()))
        .columns([User::Epoch.as_column_ref(), Membership::Epoch.as_column_ref()])
        .inner_join(
            Membership::UserId.entity_name(),
            same(Membership::UserId.as_column_ref(), Column::UserId.as_column_ref())
                .and(same(Membership::OrganizationId.as_column_ref(), Column::OrganizationId.as_column_ref())),
        )
        .inner_join(User::Id.entity_name(), same(User::Id.as_column_ref(), Column::UserId.as_column_ref()))
        .inner_join(
            Organization::Id.entity_name(),
            same(Organization::Id.as_column_ref(), Column::OrganizationId.as_column_ref()),
        );
    transaction.row(&select).await
}

#[async_trait]
impl ApiKeyUses for Database {
    async fn store(&self, uses: &[ApiKeyUse], precision: Duration) -> Result<(), StorageError> {
        let transaction = self.begin(Scope::platform(), Mode::Write).await?;
        for noted in uses {
            let is_old =
                Condition::any().add(Column::LastUsedAt.is_null()).add(Column::LastUsedAt.lte(noted.at - precision));
            let update = transaction
                .scope()
                .update_many::<Column>()
                .col_expr(Column::LastUsedAt, Expr::val(noted.at))
                .filter(Column::OrganizationId.eq(noted.organization_id.as_uuid()))
                .filter(Column::Id.eq(noted.id.as_uuid()))
                .filter(is_old);
            update.exec(&transaction).await.map_err(storage)?;
        }
        Box::new(transaction).commit().await
    }
}

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbBackend, QueryFilter, QueryResult, QuerySelect, QueryTrait,
    Statement,
};
use tenantry_identity::{
    LinkDigest, LinkPurpose, MailedLink, NewLink, PointlessLink, User,
    ports::{LinkDesk, LinkLookup, LinkRepository},
};
use tenantry_kernel::{StorageError, Transaction, UserId};

use crate::error::storage;
use crate::row::{RowReader, corrupt};
use crate::scope::mailed_links::{ActiveModel, Column, Model};
use crate::scope::{Scope, users};
use crate::transaction::Mode;
use crate::users::{USER_COLUMNS, read_user};
use crate::{Database, StoreTransaction};

/// The columns of a user, in the order in which they are read, and those of the link that the caller does not know.
const POSTGRES_LINK: &str = "SELECT id, email, username, full_name, is_active, is_platform_admin, \
    must_change_password, email_verified_at, epoch, last_login_at, created_at, updated_at, deleted_at, revision, \
    email_key, issued_at, expires_at, used_at FROM tenantry_mailed_link($1, $2)";

#[async_trait]
impl LinkRepository for StoreTransaction {
    async fn use_up(
        &mut self,
        id: UserId,
        purpose: LinkPurpose,
        digest: &LinkDigest,
        at: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let update = self
            .scope()
            .update_many::<Column>()
            .set(ActiveModel { used_at: Set(Some(at)), ..Default::default() })
            .filter(Column::UserId.eq(id.as_uuid()))
            .filter(Column::Purpose.eq(purpose.as_str()))
            .filter(Column::TokenDigest.eq(digest.0.to_vec()))
            .filter(Column::UsedAt.is_null())
            .filter(Column::ExpiresAt.gt(at));
        Ok(update.exec(self).await.map_err(storage)?.rows_affected == 1)
    }

    async fn delete(&mut self, id: UserId, purpose: LinkPurpose) -> Result<(), StorageError> {
        let delete = self
            .scope()
            .delete_many::<Column>()
            .filter(Column::UserId.eq(id.as_uuid()))
            .filter(Column::Purpose.eq(purpose.as_str()));
        delete.exec(self).await.map(|_| ()).map_err(storage)
    }
}

#[async_trait]
impl LinkLookup for Database {
    async fn find(
        &self,
        purpose: LinkPurpose,
        digest: &LinkDigest,
    ) -> Result<Option<(User, MailedLink)>, StorageError> {
        let found = if self.is_postgres() {
            let transaction = self.begin(Scope::nobody(), Mode::Read).await?;
            let call = [digest.0.to_vec().into(), purpose.as_str().into()];
            let call = Statement::from_sql_and_values(DbBackend::Postgres, POSTGRES_LINK, call);
            transaction.query_one_raw(call).await.map_err(storage)?
        } else {
            sqlite_link(&self.begin(Scope::platform(), Mode::Read).await?, purpose, digest).await?
        };
        found.map(|row| read_link(&row, purpose, *digest)).transpose()
    }
}

fn read_link(row: &QueryResult, purpose: LinkPurpose, digest: LinkDigest) -> Result<(User, MailedLink), StorageError> {
    let mut row = RowReader::new(row);
    let user = read_user(&mut row)?;
    let link = MailedLink {
        user_id: user.id,
        purpose,
        digest,
        email_key: row.take()?,
        issued_at: row.take()?,
        expires_at: row.take()?,
        used_at: row.take()?,
    };
    Ok((user, link))
}

/// What the look-up function does on PostgreSQL.
async fn sqlite_link(
    transaction: &StoreTransaction,
    purpose: LinkPurpose,
    digest: &LinkDigest,
) -> Result<Option<QueryResult>, StorageError> {
    let links = [Column::EmailKey, Column::IssuedAt, Column::ExpiresAt, Column::UsedAt];
    let mut select = transaction.scope().select::<users::Column>().select_only().columns(USER_COLUMNS).into_query();
    let user_id = Expr::col(Column::UserId.as_column_ref());
    select
        .exprs(links.map(|column| Expr::col(column.as_column_ref())))
        .inner_join(Column::UserId.entity_name(), user_id.equals(users::Column::Id.as_column_ref()))
        .and_where(Column::TokenDigest.eq(digest.0.to_vec()))
        .and_where(Column::Purpose.eq(purpose.as_str()));
    transaction.row(&select).await
}

#[async_trait]
impl LinkDesk for Database {
    async fn issue(&self, link: &NewLink) -> Result<Result<(), PointlessLink>, StorageError> {
        let transaction = self.begin(Scope::platform(), Mode::Write).await?;
        let Some(user) = user_at(&transaction, link).await? else { return Ok(Err(PointlessLink::NoAccount)) };
        let latest = latest(&transaction, &user, link.purpose).await?;
        let issued = match link.of(&user, latest.as_ref()) {
            Ok(issued) => issued,
            Err(pointless) => return Ok(Err(pointless)),
        };
        let replace = OnConflict::columns([Column::UserId, Column::Purpose])
            .update_columns([
                Column::TokenDigest,
                Column::EmailKey,
                Column::IssuedAt,
                Column::ExpiresAt,
                Column::UsedAt,
            ])
            .to_owned();
        let insert = transaction.scope().insert(to_row(&issued))?.on_conflict(replace);
        insert.exec_without_returning(&transaction).await.map_err(storage)?;
        Box::new(transaction).commit().await?;
        Ok(Ok(()))
    }
}

/// The account with the link's address, locked.
async fn user_at(transaction: &StoreTransaction, link: &NewLink) -> Result<Option<User>, StorageError> {
    let select = transaction.scope().select::<users::Column>().select_only().columns(USER_COLUMNS);
    let select = transaction.lock(select.filter(users::Column::EmailKey.eq(link.email.key()))).into_query();
    let row = transaction.row(&select).await?;
    row.map(|row| read_user(&mut RowReader::new(&row))).transpose()
}

async fn latest(
    transaction: &StoreTransaction,
    user: &User,
    purpose: LinkPurpose,
) -> Result<Option<MailedLink>, StorageError> {
    let select = transaction
        .scope()
        .select::<Column>()
        .filter(Column::UserId.eq(user.id.as_uuid()))
        .filter(Column::Purpose.eq(purpose.as_str()));
    select.one(transaction).await.map_err(storage)?.map(from_row).transpose()
}

fn from_row(row: Model) -> Result<MailedLink, StorageError> {
    let broken = |column| corrupt("mailed_links", row.user_id, column);
    Ok(MailedLink {
        user_id: UserId::from_uuid(row.user_id),
        purpose: LinkPurpose::from_name(&row.purpose).ok_or_else(|| broken("purpose"))?,
        digest: LinkDigest(row.token_digest.try_into().or(Err(corrupt(
            "mailed_links",
            row.user_id,
            "token_digest",
        )))?),
        email_key: row.email_key,
        issued_at: row.issued_at,
        expires_at: row.expires_at,
        used_at: row.used_at,
    })
}

fn to_row(link: &MailedLink) -> ActiveModel {
    ActiveModel {
        user_id: Set(link.user_id.as_uuid()),
        purpose: Set(link.purpose.as_str().to_owned()),
        token_digest: Set(link.digest.0.to_vec()),
        email_key: Set(link.email_key.clone()),
        issued_at: Set(link.issued_at),
        expires_at: Set(link.expires_at),
        used_at: Set(link.used_at),
    }
}

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveValue::Set, ColumnTrait, DbErr, QueryFilter, QuerySelect, QueryTrait};
use tenantry_identity::{Email, FullName, InsertUserError, User, UserKey, Username, ports::UserRepository};
use tenantry_kernel::{Revision, StorageError, UserId};
use uuid::Uuid;

use crate::StoreTransaction;
use crate::error::{broken_unique, storage};
use crate::row::{RowReader, corrupt};
use crate::scope::users::{ActiveModel, Column};
use crate::search::search_text;

/// The columns of a [`User`], in the order of [`read_user`]. The look-up function answers them in the same order.
pub(crate) const USER_COLUMNS: [Column; 14] = [
    Column::Id,
    Column::Email,
    Column::Username,
    Column::FullName,
    Column::IsActive,
    Column::IsPlatformAdmin,
    Column::MustChangePassword,
    Column::EmailVerifiedAt,
    Column::Epoch,
    Column::LastLoginAt,
    Column::CreatedAt,
    Column::UpdatedAt,
    Column::DeletedAt,
    Column::Revision,
];

/// Reads [`USER_COLUMNS`].
pub(crate) fn read_user(row: &mut RowReader<'_>) -> Result<User, StorageError> {
    let id: Uuid = row.take()?;
    let broken = |column| corrupt("users", id, column);
    Ok(User {
        id: UserId::from_uuid(id),
        email: Email::parse(&row.take::<String>()?).or(Err(broken("email")))?,
        username: Username::parse(&row.take::<String>()?).or(Err(broken("username")))?,
        full_name: row
            .take::<Option<String>>()?
            .map(|name| FullName::parse(&name).or(Err(broken("full_name"))))
            .transpose()?,
        is_active: row.take()?,
        is_platform_admin: row.take()?,
        must_change_password: row.take()?,
        email_verified_at: row.take()?,
        epoch: row.take()?,
        last_login_at: row.take()?,
        created_at: row.take()?,
        updated_at: row.take()?,
        deleted_at: row.take()?,
        revision: Revision::from_stored(row.take()?),
    })
}

/// All that may change; the id and the time of creation stay out.
fn changeable(user: &User) -> ActiveModel {
    ActiveModel {
        email: Set(user.email.as_str().to_owned()),
        email_key: Set(user.email.key().to_owned()),
        username: Set(user.username.as_str().to_owned()),
        username_key: Set(user.username.key()),
        full_name: Set(user.full_name.as_ref().map(|name| name.as_str().to_owned())),
        is_active: Set(user.is_active),
        is_platform_admin: Set(user.is_platform_admin),
        must_change_password: Set(user.must_change_password),
        email_verified_at: Set(user.email_verified_at),
        epoch: Set(user.epoch),
        last_login_at: Set(user.last_login_at),
        updated_at: Set(user.updated_at),
        deleted_at: Set(user.deleted_at),
        revision: Set(user.revision.get()),
        search_text: Set(search_text(&[
            user.full_name.as_ref().map_or("", FullName::as_str),
            user.email.as_str(),
            user.username.as_str(),
        ])),
        ..Default::default()
    }
}

fn insert_error(error: DbErr) -> InsertUserError {
    match broken_unique(&error).as_deref() {
        Some("users_email_key") => InsertUserError::Taken(UserKey::Email),
        Some("users_username_key") => InsertUserError::Taken(UserKey::Username),
        _ => InsertUserError::Storage(storage(error)),
    }
}

#[async_trait]
impl UserRepository for StoreTransaction {
    async fn find(&mut self, id: UserId) -> Result<Option<User>, StorageError> {
        let select = self.scope().select::<Column>().select_only().columns(USER_COLUMNS);
        let select = self.lock(select.filter(Column::Id.eq(id.as_uuid()))).into_query();
        let row = self.row(&select).await?;
        row.map(|row| read_user(&mut RowReader::new(&row))).transpose()
    }

    async fn find_by_email(&mut self, email: &Email) -> Result<Option<User>, StorageError> {
        let select = self.scope().select::<Column>().select_only().columns(USER_COLUMNS);
        let select = select.filter(Column::EmailKey.eq(email.key())).filter(Column::DeletedAt.is_null());
        let row = self.row(&select.into_query()).await?;
        row.map(|row| read_user(&mut RowReader::new(&row))).transpose()
    }

    async fn insert(&mut self, user: &User) -> Result<(), InsertUserError> {
        let row = ActiveModel { id: Set(user.id.as_uuid()), created_at: Set(user.created_at), ..changeable(user) };
        let insert = self.scope().insert(row)?;
        insert.exec_without_returning(self).await.map(|_| ()).map_err(insert_error)
    }

    async fn update(&mut self, user: &User, expected: Revision) -> Result<bool, InsertUserError> {
        let update = self
            .scope()
            .update_many::<Column>()
            .set(changeable(user))
            .filter(Column::Id.eq(user.id.as_uuid()))
            .filter(Column::Revision.eq(expected.get()));
        Ok(update.exec(self).await.map_err(insert_error)?.rows_affected == 1)
    }

    async fn record_login(&mut self, id: UserId, at: DateTime<Utc>) -> Result<(), StorageError> {
        let update = self
            .scope()
            .update_many::<Column>()
            .col_expr(Column::LastLoginAt, Expr::value(at))
            .col_expr(Column::Revision, Expr::col(Column::Revision).add(1))
            .filter(Column::Id.eq(id.as_uuid()));
        update.exec(self).await.map(|_| ()).map_err(storage)
    }
}

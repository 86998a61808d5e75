//! The look-ups that come before anyone is known, and belong to no tenant.

use async_trait::async_trait;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, QueryFilter, QueryResult, QuerySelect, QueryTrait, Statement,
};
use tenantry_application::ports::AdministratorLookup;
use tenantry_identity::{
    AccessClaims, Liveness, LoginIdentifier, PasswordHash, User,
    ports::{CredentialLookup, LivenessLookup},
};
use tenantry_kernel::StorageError;

use crate::error::storage;
use crate::row::RowReader;
use crate::scope::{Scope, credentials, memberships, sessions, users};
use crate::transaction::Mode;
use crate::users::{USER_COLUMNS, read_user};
use crate::{Database, StoreTransaction};

/// The columns of a user, in the order in which they are read, and the hash.
const POSTGRES_CREDENTIAL: &str = "SELECT id, email, username, full_name, is_active, is_platform_admin, \
    must_change_password, email_verified_at, epoch, last_login_at, created_at, updated_at, deleted_at, revision, \
    password_hash FROM tenantry_credential_by_identifier($1, $1)";

#[async_trait]
impl CredentialLookup for Database {
    async fn find(&self, identifier: &LoginIdentifier) -> Result<Option<(User, PasswordHash)>, StorageError> {
        let found = if self.is_postgres() {
            let transaction = self.begin(Scope::nobody(), Mode::Read).await?;
            let call = [identifier.key().into()];
            let call = Statement::from_sql_and_values(DbBackend::Postgres, POSTGRES_CREDENTIAL, call);
            transaction.query_one_raw(call).await.map_err(storage)?
        } else {
            sqlite_credential(&self.begin(Scope::platform(), Mode::Read).await?, identifier.key()).await?
        };
        found.map(|row| read_credential(&row)).transpose()
    }
}

fn read_credential(row: &QueryResult) -> Result<(User, PasswordHash), StorageError> {
    let mut row = RowReader::new(row);
    let user = read_user(&mut row)?;
    Ok((user, PasswordHash::from_stored(row.take()?)))
}

/// What the look-up function does on PostgreSQL.
async fn sqlite_credential(transaction: &StoreTransaction, key: &str) -> Result<Option<QueryResult>, StorageError> {
    let mut select = transaction
        .scope()
        .select::<users::Column>()
        .select_only()
        .columns(USER_COLUMNS)
        .filter(Condition::any().add(users::Column::EmailKey.eq(key)).add(users::Column::UsernameKey.eq(key)))
        .filter(users::Column::DeletedAt.is_null())
        .into_query();
    let user_id = Expr::col(credentials::Column::UserId.as_column_ref());
    select
        .column(credentials::Column::PasswordHash.as_column_ref())
        .inner_join(credentials::Column::UserId.entity_name(), user_id.equals(users::Column::Id.as_column_ref()));
    transaction.row(&select).await
}

#[async_trait]
impl LivenessLookup for Database {
    async fn find(&self, claims: &AccessClaims) -> Result<Liveness, StorageError> {
        let scope = Scope::tenant(claims.organization_id.as_uuid(), Some(claims.user_id.as_uuid()), "");
        let transaction = self.begin(scope, Mode::Read).await?;
        if !session_is_live(&transaction, claims).await? || !user_is_live(&transaction, claims).await? {
            return Ok(Liveness::SessionRevoked);
        }
        let is_member = membership_is_live(&transaction, claims).await?;
        Ok(if is_member { Liveness::Live } else { Liveness::MembershipChanged })
    }
}

/// A session outlives its access tokens unless it is ended, so its own expiry need not be looked at.
async fn session_is_live(transaction: &StoreTransaction, claims: &AccessClaims) -> Result<bool, StorageError> {
    use sessions::Column;
    let select = transaction
        .scope()
        .select::<Column>()
        .filter(Column::Id.eq(claims.session_id.as_uuid()))
        .filter(Column::RevokedAt.is_null());
    transaction.exists(select).await
}

async fn user_is_live(transaction: &StoreTransaction, claims: &AccessClaims) -> Result<bool, StorageError> {
    use users::Column;
    let select = transaction
        .scope()
        .select::<Column>()
        .filter(Column::Id.eq(claims.user_id.as_uuid()))
        .filter(Column::IsActive.eq(true))
        .filter(Column::DeletedAt.is_null())
        .filter(Column::Epoch.lte(claims.user_epoch));
    transaction.exists(select).await
}

async fn membership_is_live(transaction: &StoreTransaction, claims: &AccessClaims) -> Result<bool, StorageError> {
    use memberships::Column;
    let select = transaction
        .scope()
        .select_own::<Column>()
        .filter(Column::UserId.eq(claims.user_id.as_uuid()))
        .filter(Column::IsActive.eq(true))
        .filter(Column::Epoch.lte(claims.membership_epoch));
    transaction.exists(select).await
}

#[async_trait]
impl AdministratorLookup for Database {
    async fn any_exists(&self) -> Result<bool, StorageError> {
        let transaction = self.begin(Scope::platform(), Mode::Read).await?;
        let select = transaction
            .scope()
            .select::<users::Column>()
            .filter(users::Column::IsPlatformAdmin.eq(true))
            .filter(users::Column::DeletedAt.is_null());
        transaction.exists(select).await
    }
}

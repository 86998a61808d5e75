use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbBackend, FromQueryResult, QueryFilter, QueryResult, QuerySelect,
    QueryTrait, Statement,
};
use tenantry_identity::{Email, LinkDigest, UserId};
use tenantry_kernel::{OrganizationId, Page, PageRequest, Revision, StorageError};
use tenantry_tenancy::{
    FoundInvitation, Invitation, InvitationId, OrganizationName,
    ports::{InvitationLookup, InvitationRepository},
};
use uuid::Uuid;

use crate::error::storage;
use crate::listing::SortBy;
use crate::row::{RowReader, corrupt};
use crate::scope::invitations::{ActiveModel, Column, Model};
use crate::scope::{Scope, organizations, users};
use crate::transaction::Mode;
use crate::{Database, StoreTransaction};

const NEWEST_FIRST: SortBy<Column> = SortBy { key: Column::CreatedAt, id: Column::Id, descending: true };

const POSTGRES_INVITATION: &str = "SELECT organization_id, id, email, role, invited_by, created_at, expires_at, \
    accepted_at, revision, organization_name, is_open, account_exists FROM tenantry_invitation($1)";

fn from_row(row: Model) -> Result<Invitation, StorageError> {
    let broken = |column| corrupt("invitations", row.id, column);
    Ok(Invitation {
        id: InvitationId::from_uuid(row.id),
        organization_id: OrganizationId::from_uuid(row.organization_id),
        email: Email::parse(&row.email).or(Err(broken("email")))?,
        role: row.role.parse().or(Err(broken("role")))?,
        digest: LinkDigest(row.token_digest.try_into().or(Err(corrupt("invitations", row.id, "token_digest")))?),
        invited_by: UserId::from_uuid(row.invited_by),
        created_at: row.created_at,
        expires_at: row.expires_at,
        accepted_at: row.accepted_at,
        revision: Revision::from_stored(row.revision),
    })
}

fn to_row(invitation: &Invitation) -> ActiveModel {
    ActiveModel {
        organization_id: Set(invitation.organization_id.as_uuid()),
        id: Set(invitation.id.as_uuid()),
        email: Set(invitation.email.as_str().to_owned()),
        email_key: Set(invitation.email.key().to_owned()),
        role: Set(invitation.role.as_str().to_owned()),
        token_digest: Set(invitation.digest.0.to_vec()),
        invited_by: Set(invitation.invited_by.as_uuid()),
        created_at: Set(invitation.created_at),
        expires_at: Set(invitation.expires_at),
        accepted_at: Set(invitation.accepted_at),
        revision: Set(invitation.revision.get()),
    }
}

#[async_trait]
impl InvitationRepository for StoreTransaction {
    async fn find(&mut self, id: InvitationId) -> Result<Option<Invitation>, StorageError> {
        let select = self.scope().select::<Column>().filter(Column::Id.eq(id.as_uuid()));
        self.lock(select).one(self).await.map_err(storage)?.map(from_row).transpose()
    }

    async fn find_pending(&mut self, email: &Email) -> Result<Option<Invitation>, StorageError> {
        let select = self
            .scope()
            .select::<Column>()
            .filter(Column::EmailKey.eq(email.key()))
            .filter(Column::AcceptedAt.is_null());
        self.lock(select).one(self).await.map_err(storage)?.map(from_row).transpose()
    }

    async fn list(&mut self, page: &PageRequest) -> Result<Page<Invitation>, StorageError> {
        let all = self.scope().select::<Column>().into_query();
        let (rows, total) = self.page_of(all, NEWEST_FIRST, page).await?;
        let read = |row| Model::from_query_result(row, "").map_err(storage).and_then(from_row);
        let invitations = rows.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page::from_probe(invitations, page.limit(), total, Invitation::cursor))
    }

    async fn insert(&mut self, invitation: &Invitation) -> Result<bool, StorageError> {
        // With whatever it conflicts: the id or the address.
        let ignore = OnConflict::new().do_nothing().to_owned();
        let insert = self.scope().insert(to_row(invitation))?.on_conflict(ignore).try_insert();
        self.insert_new(insert).await
    }

    async fn update(&mut self, invitation: &Invitation) -> Result<bool, StorageError> {
        let update = self
            .scope()
            .update_many::<Column>()
            .set(ActiveModel {
                organization_id: sea_orm::NotSet,
                id: sea_orm::NotSet,
                accepted_at: sea_orm::NotSet,
                ..to_row(invitation)
            })
            .filter(Column::Id.eq(invitation.id.as_uuid()))
            .filter(Column::AcceptedAt.is_null());
        Ok(update.exec(self).await.map_err(storage)?.rows_affected == 1)
    }

    async fn use_up(&mut self, id: InvitationId, digest: &LinkDigest, at: DateTime<Utc>) -> Result<bool, StorageError> {
        let update = self
            .scope()
            .update_many::<Column>()
            .set(ActiveModel { accepted_at: Set(Some(at)), ..Default::default() })
            .filter(Column::Id.eq(id.as_uuid()))
            .filter(Column::TokenDigest.eq(digest.0.to_vec()))
            .filter(Column::AcceptedAt.is_null())
            .filter(Column::ExpiresAt.gt(at));
        Ok(update.exec(self).await.map_err(storage)?.rows_affected == 1)
    }

    async fn delete(&mut self, id: InvitationId) -> Result<bool, StorageError> {
        let delete = self
            .scope()
            .delete_many::<Column>()
            .filter(Column::Id.eq(id.as_uuid()))
            .filter(Column::AcceptedAt.is_null());
        Ok(delete.exec(self).await.map_err(storage)?.rows_affected == 1)
    }
}

#[async_trait]
impl InvitationLookup for Database {
    async fn find(&self, digest: &LinkDigest) -> Result<Option<FoundInvitation>, StorageError> {
        let found = if self.is_postgres() {
            let transaction = self.begin(Scope::nobody(), Mode::Read).await?;
            let call = [digest.0.to_vec().into()];
            let call = Statement::from_sql_and_values(DbBackend::Postgres, POSTGRES_INVITATION, call);
            transaction.query_one_raw(call).await.map_err(storage)?
        } else {
            sqlite_invitation(&self.begin(Scope::platform(), Mode::Read).await?, digest).await?
        };
        found.map(|row| read_found(&row, *digest)).transpose()
    }
}

fn read_found(row: &QueryResult, digest: LinkDigest) -> Result<FoundInvitation, StorageError> {
    let mut row = RowReader::new(row);
    let organization_id: Uuid = row.take()?;
    let id: Uuid = row.take()?;
    let broken = |column| corrupt("invitations", id, column);
    let invitation = Invitation {
        organization_id: OrganizationId::from_uuid(organization_id),
        id: InvitationId::from_uuid(id),
        email: Email::parse(&row.take::<String>()?).or(Err(broken("email")))?,
        role: row.take::<String>()?.parse().or(Err(broken("role")))?,
        digest,
        invited_by: UserId::from_uuid(row.take()?),
        created_at: row.take()?,
        expires_at: row.take()?,
        accepted_at: row.take()?,
        revision: Revision::from_stored(row.take()?),
    };
    let name: String = row.take()?;
    Ok(FoundInvitation {
        invitation,
        organization_name: OrganizationName::parse(&name).or(Err(corrupt("organizations", organization_id, "name")))?,
        is_open: row.take()?,
        account_exists: row.take()?,
    })
}

/// What the look-up function does on PostgreSQL.
async fn sqlite_invitation(
    transaction: &StoreTransaction,
    digest: &LinkDigest,
) -> Result<Option<QueryResult>, StorageError> {
    use {organizations::Column as Tenant, users::Column as User};
    let columns = [
        Column::OrganizationId,
        Column::Id,
        Column::Email,
        Column::Role,
        Column::InvitedBy,
        Column::CreatedAt,
        Column::ExpiresAt,
        Column::AcceptedAt,
        Column::Revision,
    ];
    let account = Query::select()
        .expr(Expr::val(1))
        .from(User::Id.entity_name())
        .and_where(Expr::col(User::EmailKey.as_column_ref()).equals(Column::EmailKey.as_column_ref()))
        .take();
    let mut select = transaction.scope().select::<Column>().select_only().columns(columns).into_query();
    select
        .expr(Expr::col(Tenant::Name.as_column_ref()))
        .expr(Tenant::IsActive.eq(true).and(Tenant::DeletedAt.is_null()))
        .expr(Expr::exists(account))
        .inner_join(
            Tenant::Id.entity_name(),
            Expr::col(Tenant::Id.as_column_ref()).equals(Column::OrganizationId.as_column_ref()),
        )
        .and_where(Column::TokenDigest.eq(digest.0.to_vec()));
    transaction.row(&select).await
}

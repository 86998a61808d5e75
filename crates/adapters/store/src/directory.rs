//! All accounts and organisations, for those who administer the platform. What they decide about one is done in its own
//! name, so that no statement can reach further.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Duration, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, FromQueryResult, QueryFilter, QuerySelect, QueryTrait};
use tenantry_application::ports::PlatformDirectory;
use tenantry_application::{DirectoryFilter, ListedOrganization, ListedUser, PlatformStats};
use tenantry_identity::{
    InsertUserError, LinkPurpose, User,
    ports::{LinkRepository, SessionRepository, UserRepository},
};
use tenantry_kernel::{OrganizationId, Page, PageRequest, Revision, StorageError, UserId};
use tenantry_tenancy::{
    InsertOrganizationError, Membership, Organization, Role,
    ports::{MembershipRepository, OrganizationRepository, OwnMembershipRepository},
};
use uuid::Uuid;

use crate::StoreTransaction;
use crate::error::storage;
use crate::listing::{SortBy, counting};
use crate::organizations::organization_from;
use crate::outbox::QUEUED;
use crate::row::RowReader;
use crate::scope::{Scope, api_keys, memberships, organizations, outbox, projects, sessions, tasks, users};
use crate::search::has_word;
use crate::users::{USER_COLUMNS, read_user};

const NEWEST_USERS: SortBy<users::Column> =
    SortBy { key: users::Column::CreatedAt, id: users::Column::Id, descending: true };
const NEWEST_ORGANIZATIONS: SortBy<organizations::Column> =
    SortBy { key: organizations::Column::CreatedAt, id: organizations::Column::Id, descending: true };

/// Whoever signed in within this time is called recent.
const RECENT: Duration = Duration::days(30);

#[derive(Debug, thiserror::Error)]
#[error("a change of an account's activity met a taken name")]
struct NameTaken;

#[async_trait]
impl PlatformDirectory for StoreTransaction {
    async fn stats(&mut self, now: DateTime<Utc>) -> Result<PlatformStats, StorageError> {
        let scope = *self.scope();
        let users = scope.select::<users::Column>().filter(users::Column::DeletedAt.is_null());
        let organizations = scope.select::<organizations::Column>().filter(organizations::Column::DeletedAt.is_null());
        let sessions = scope.select::<sessions::Column>().filter(sessions::Column::RevokedAt.is_null());
        let keys = scope.select::<api_keys::Column>().filter(is_there(api_keys::Column::OrganizationId, &scope));
        let unexpired = api_keys::Column::ExpiresAt.is_null().or(api_keys::Column::ExpiresAt.gt(now));
        let projects = scope
            .select::<projects::Column>()
            .filter(projects::Column::DeletedAt.is_null())
            .filter(is_there(projects::Column::OrganizationId, &scope));
        let tasks = scope.select::<tasks::Column>().filter(is_there(tasks::Column::OrganizationId, &scope));
        let mails = scope.select::<outbox::Column>().filter(outbox::Column::State.eq(QUEUED));
        let active_users = users.clone().filter(users::Column::IsActive.eq(true));
        let recent_users = users.clone().filter(users::Column::LastLoginAt.gte(now - RECENT));
        let active_organizations = organizations.clone().filter(organizations::Column::IsActive.eq(true));
        Ok(PlatformStats {
            users: self.count_all(users.into_query()).await?,
            active_users: self.count_all(active_users.into_query()).await?,
            recent_users: self.count_all(recent_users.into_query()).await?,
            organizations: self.count_all(organizations.into_query()).await?,
            active_organizations: self.count_all(active_organizations.into_query()).await?,
            sessions: self.count_all(sessions.filter(sessions::Column::ExpiresAt.gt(now)).into_query()).await?,
            api_keys: self.count_all(keys.filter(unexpired).into_query()).await?,
            projects: self.count_all(projects.into_query()).await?,
            tasks: self.count_all(tasks.into_query()).await?,
            waiting_mails: self.count_all(mails.into_query()).await?,
        })
    }

    async fn list_users(
        &mut self,
        filter: &DirectoryFilter,
        page: &PageRequest,
    ) -> Result<Page<ListedUser>, StorageError> {
        let backend = self.get_database_backend();
        let select = self.scope().select::<users::Column>().select_only().columns(USER_COLUMNS);
        let mut all = select
            .filter(users::Column::DeletedAt.is_null())
            .apply_if(filter.is_active, |select, is_active| select.filter(users::Column::IsActive.eq(is_active)))
            .into_query();
        for word in &filter.words {
            all.and_where(has_word(backend, users::Column::SearchText, word));
        }
        let (rows, total) = self.page_of(all, NEWEST_USERS, page).await?;
        let found: Vec<User> = rows.iter().map(|row| read_user(&mut RowReader::new(row))).collect::<Result<_, _>>()?;
        let ids = found.iter().map(|user| user.id.as_uuid()).collect();
        let sizes = self.count_memberships(memberships::Column::UserId, ids).await?;
        let listed = found
            .into_iter()
            .map(|user| ListedUser { organizations: sizes.get(&user.id.as_uuid()).copied().unwrap_or_default(), user });
        Ok(Page::from_probe(listed.collect(), page.limit(), total, ListedUser::cursor))
    }

    async fn list_organizations(
        &mut self,
        filter: &DirectoryFilter,
        page: &PageRequest,
    ) -> Result<Page<ListedOrganization>, StorageError> {
        let backend = self.get_database_backend();
        let mut all = self
            .scope()
            .select::<organizations::Column>()
            .filter(organizations::Column::DeletedAt.is_null())
            .apply_if(filter.is_active, |select, is_active| {
                select.filter(organizations::Column::IsActive.eq(is_active))
            })
            .into_query();
        for word in &filter.words {
            all.and_where(has_word(backend, organizations::Column::SearchText, word));
        }
        let (rows, total) = self.page_of(all, NEWEST_ORGANIZATIONS, page).await?;
        let read = |row| organizations::Model::from_query_result(row, "").map_err(storage).and_then(organization_from);
        let found: Vec<Organization> = rows.iter().map(read).collect::<Result<_, _>>()?;
        let ids = found.iter().map(|organization| organization.id.as_uuid()).collect();
        let sizes = self.count_memberships(memberships::Column::OrganizationId, ids).await?;
        let listed = found.into_iter().map(|organization| ListedOrganization {
            members: sizes.get(&organization.id.as_uuid()).copied().unwrap_or_default(),
            organization,
        });
        Ok(Page::from_probe(listed.collect(), page.limit(), total, ListedOrganization::cursor))
    }

    async fn find_user(&mut self, id: UserId) -> Result<Option<User>, StorageError> {
        let before = self.go_as(Scope::user(id.as_uuid())).await?;
        let user = UserRepository::find(self, id).await?;
        self.rebind(before).await?;
        Ok(user.filter(|user| user.deleted_at.is_none()))
    }

    async fn update_user(&mut self, user: &User, expected: Revision) -> Result<bool, StorageError> {
        let before = self.go_as(Scope::user(user.id.as_uuid())).await?;
        let updated = UserRepository::update(self, user, expected).await.map_err(|error| match error {
            InsertUserError::Storage(error) => error,
            InsertUserError::Taken(_) => StorageError::Internal(NameTaken.into()),
        })?;
        self.rebind(before).await?;
        Ok(updated)
    }

    async fn end_access(&mut self, id: UserId, at: DateTime<Utc>) -> Result<(), StorageError> {
        let before = self.go_as(Scope::user(id.as_uuid())).await?;
        SessionRepository::revoke_all(self, None, at).await?;
        for purpose in [LinkPurpose::VerifyEmail, LinkPurpose::ResetPassword] {
            LinkRepository::delete(self, id, purpose).await?;
        }
        self.rebind(before).await
    }

    async fn is_at_home_elsewhere(&mut self, id: UserId, than: OrganizationId) -> Result<bool, StorageError> {
        let before = self.go_as(Scope::user(id.as_uuid())).await?;
        let memberships = OwnMembershipRepository::list(self).await?;
        self.rebind(before).await?;
        Ok(memberships.iter().any(|own| own.is_open() && own.organization.id != than))
    }

    async fn find_organization(&mut self, id: OrganizationId) -> Result<Option<Organization>, StorageError> {
        let before = self.go_as(within(id)).await?;
        let organization = OrganizationRepository::find(self, id).await?;
        self.rebind(before).await?;
        Ok(organization)
    }

    async fn update_organization(
        &mut self,
        organization: &Organization,
        expected: Revision,
    ) -> Result<bool, StorageError> {
        let before = self.go_as(within(organization.id)).await?;
        let updated = OrganizationRepository::update(self, organization, expected).await;
        let updated = updated.map_err(|error| match error {
            InsertOrganizationError::Storage(error) => error,
            InsertOrganizationError::SlugTaken => StorageError::Internal(NameTaken.into()),
        })?;
        self.rebind(before).await?;
        Ok(updated)
    }

    async fn renew_epochs(&mut self, id: OrganizationId, at: DateTime<Utc>) -> Result<Vec<Membership>, StorageError> {
        let before = self.go_as(within(id)).await?;
        let renewed = MembershipRepository::renew_epochs(self, at).await?;
        self.rebind(before).await?;
        Ok(renewed)
    }
}

/// That the organisation which `column` names is not deleted.
fn is_there(column: impl ColumnTrait, scope: &Scope) -> Expr {
    let organizations = scope
        .select::<organizations::Column>()
        .select_only()
        .column(organizations::Column::Id)
        .filter(organizations::Column::DeletedAt.is_null());
    column.in_subquery(organizations.into_query())
}

/// The scope of an organisation in which nobody in particular acts.
fn within(id: OrganizationId) -> Scope {
    Scope::tenant(id.as_uuid(), None, Role::Owner.as_str())
}

impl StoreTransaction {
    /// Goes on in a narrower scope, and answers the one so far, to go back to.
    async fn go_as(&mut self, scope: Scope) -> Result<Scope, StorageError> {
        let before = *self.scope();
        self.rebind(scope).await?;
        Ok(before)
    }

    async fn count_all(&self, rows: SelectStatement) -> Result<u64, StorageError> {
        self.count(&counting(rows)).await
    }

    /// How many memberships there are for each of these values of a column.
    async fn count_memberships(
        &self,
        column: memberships::Column,
        values: Vec<Uuid>,
    ) -> Result<HashMap<Uuid, u64>, StorageError> {
        let select = self
            .scope()
            .select::<memberships::Column>()
            .select_only()
            .column(column)
            .expr(memberships::Column::UserId.count())
            .filter(column.is_in(values))
            .filter(is_there(memberships::Column::OrganizationId, self.scope()))
            .group_by(column);
        let rows = self.rows(&select.into_query()).await?;
        let read = |row| {
            let mut row = RowReader::new(row);
            Ok((row.take()?, u64::try_from(row.take::<i64>()?).unwrap_or_default()))
        };
        rows.iter().map(read).collect()
    }
}

//! Accounts as those who manage members change them. Policies let an account be changed in its user's name only, so that
//! is done here, once the user was found to be a member.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, QueryFilter};
use tenantry_application::ports::MemberAccountRepository;
use tenantry_identity::{
    InsertUserError, PasswordHash, User,
    ports::{CredentialRepository, SessionRepository, UserRepository},
};
use tenantry_kernel::{Revision, StorageError, UserId};
use tenantry_tenancy::ports::OwnMembershipRepository;

use crate::StoreTransaction;
use crate::scope::{Scope, memberships::Column};

impl StoreTransaction {
    /// Goes on in a member's name, and answers the scope so far, to go back to. `None` for who is no member.
    async fn enter_member(&mut self, id: UserId) -> Result<Option<Scope>, StorageError> {
        let membership = self.scope().select_own::<Column>().filter(Column::UserId.eq(id.as_uuid()));
        if !self.exists(membership).await? {
            return Ok(None);
        }
        let before = *self.scope();
        self.rebind(before.acting_for(id.as_uuid())).await?;
        Ok(Some(before))
    }
}

#[async_trait]
impl MemberAccountRepository for StoreTransaction {
    async fn find(&mut self, id: UserId) -> Result<Option<User>, StorageError> {
        let Some(before) = self.enter_member(id).await? else { return Ok(None) };
        let user = UserRepository::find(self, id).await?;
        self.rebind(before).await?;
        Ok(user.filter(|user| user.deleted_at.is_none()))
    }

    async fn insert(&mut self, user: &User, hash: &PasswordHash) -> Result<(), InsertUserError> {
        let before = *self.scope();
        self.rebind(before.acting_for(user.id.as_uuid())).await?;
        UserRepository::insert(self, user).await?;
        CredentialRepository::insert(self, user.id, hash, user.created_at).await?;
        Ok(self.rebind(before).await?)
    }

    async fn update(&mut self, user: &User, expected: Revision) -> Result<bool, InsertUserError> {
        let Some(before) = self.enter_member(user.id).await? else { return Ok(false) };
        let updated = UserRepository::update(self, user, expected).await?;
        self.rebind(before).await?;
        Ok(updated)
    }

    async fn belongs_elsewhere(&mut self, id: UserId) -> Result<bool, StorageError> {
        let Some(before) = self.enter_member(id).await? else { return Ok(true) };
        let memberships = OwnMembershipRepository::list(self).await?;
        self.rebind(before).await?;
        let here = before.organization_id();
        Ok(memberships.iter().any(|own| Some(own.organization.id.as_uuid()) != here))
    }

    async fn end_sessions(&mut self, id: UserId, at: DateTime<Utc>) -> Result<(), StorageError> {
        let Some(before) = self.enter_member(id).await? else { return Ok(()) };
        SessionRepository::revoke_all(self, None, at).await?;
        self.rebind(before).await
    }
}

//! Which contexts begin which transactions. All of them are [`StoreTransaction`]s, so a use case that spans domains
//! stays one transaction of the database.

use async_trait::async_trait;
use tenantry_application::ports::{IdempotencyTransaction, MembersTransaction, RequestRepository, SignInTransaction};
use tenantry_identity::{
    Actor,
    ports::{CredentialRepository, IdentityTransaction, RevocationRepository, SessionRepository, UserRepository},
};
use tenantry_kernel::{StorageError, Store};
use tenantry_tasks::ports::{TaskReferences, TaskRepository, TaskTransaction};
use tenantry_tenancy::{
    TenantContext,
    ports::{
        MembershipRepository, OrganizationRepository, OwnMembershipRepository, OwnMembershipsTransaction,
        ProjectRepository, TenancyTransaction,
    },
};

use crate::scope::Scope;
use crate::transaction::Mode;
use crate::{Database, StoreTransaction};

/// Says what a context may see and change.
trait Bounds {
    fn scope(&self) -> Scope;
}

impl Bounds for Actor {
    fn scope(&self) -> Scope {
        self.user_id().map_or_else(Scope::nobody, |id| Scope::user(id.as_uuid()))
    }
}

impl Bounds for TenantContext {
    fn scope(&self) -> Scope {
        let user_id = self.actor().user_id().map(Into::into);
        Scope::tenant(self.organization_id().as_uuid(), user_id, self.role().as_str())
    }
}

macro_rules! stores {
    ($($context:ident begins $transaction:ident;)+) => {
        $(#[async_trait]
        impl Store<$context, dyn $transaction> for Database {
            async fn read(&self, context: &$context) -> Result<Box<dyn $transaction>, StorageError> {
                Ok(Box::new(self.begin(context.scope(), Mode::Read).await?))
            }

            async fn begin(&self, context: &$context) -> Result<Box<dyn $transaction>, StorageError> {
                Ok(Box::new(self.begin(context.scope(), Mode::Write).await?))
            }
        })+
    };
}

stores! {
    Actor begins IdentityTransaction;
    Actor begins OwnMembershipsTransaction;
    Actor begins SignInTransaction;
    Actor begins IdempotencyTransaction;
    TenantContext begins MembersTransaction;
    TenantContext begins TenancyTransaction;
    TenantContext begins TaskTransaction;
}

macro_rules! lends {
    ($transaction:ident: $($name:ident -> $repository:ident),+) => {
        impl $transaction for StoreTransaction {
            $(fn $name(&mut self) -> &mut dyn $repository {
                self
            })+
        }
    };
}

lends!(IdentityTransaction:
    users -> UserRepository,
    credentials -> CredentialRepository,
    sessions -> SessionRepository,
    revocations -> RevocationRepository
);
lends!(OwnMembershipsTransaction: own_memberships -> OwnMembershipRepository);
lends!(TenancyTransaction:
    organizations -> OrganizationRepository,
    memberships -> MembershipRepository,
    projects -> ProjectRepository
);
lends!(TaskTransaction: tasks -> TaskRepository, references -> TaskReferences);
lends!(IdempotencyTransaction: requests -> RequestRepository);

//! Which contexts begin which transactions. All of them are [`StoreTransaction`]s, so a use case that spans domains
//! stays one transaction of the database.

use async_trait::async_trait;
use tenantry_application::ports::{
    ArchiveTransaction, AuditArchive, IdempotencyTransaction, JobRegister, MemberAccountRepository, MembersTransaction,
    PlatformDirectory, PlatformTransaction, ProfileRepository, ProfileTransaction, ProjectTransaction,
    RequestRepository, SignInTransaction,
};
use tenantry_identity::{
    Actor, PlatformContext,
    ports::{
        ApiKeyRepository, ApiKeyTransaction, AuditRepository, AuditTransaction, CredentialRepository,
        IdentityTransaction, LinkRepository, OutboxRepository, OutboxTransaction, RevocationRepository,
        SecondFactorRepository, SessionRepository, UserRepository,
    },
};
use tenantry_kernel::{JobRepository, JobTransaction, StorageError, Store};
use tenantry_readings::ports::{AdvisorRepository, Ledger, ReadingLog, ReadingRepository, ReadingTransaction};
use tenantry_sync::ports::{
    CycleRepository, Destinations, FileRepository, RunRepository, SyncSessionRepository, SyncTransaction,
};
use tenantry_tasks::ports::{TaskReferences, TaskRepository, TaskTransaction};
use tenantry_tenancy::{
    TenantContext,
    ports::{
        InvitationRepository, MembershipRepository, OrganizationRepository, OwnMembershipRepository,
        OwnMembershipsTransaction, ProjectRepository, TenancyTransaction,
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

impl Bounds for PlatformContext {
    fn scope(&self) -> Scope {
        Scope::platform()
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
    Actor begins AuditTransaction;
    Actor begins IdentityTransaction;
    Actor begins OwnMembershipsTransaction;
    Actor begins SignInTransaction;
    Actor begins IdempotencyTransaction;
    Actor begins ProfileTransaction;
    TenantContext begins ApiKeyTransaction;
    TenantContext begins AuditTransaction;
    TenantContext begins JobTransaction;
    TenantContext begins MembersTransaction;
    TenantContext begins TenancyTransaction;
    TenantContext begins ReadingTransaction;
    TenantContext begins SyncTransaction;
    TenantContext begins TaskTransaction;
    TenantContext begins ProjectTransaction;
    PlatformContext begins ArchiveTransaction;
    PlatformContext begins JobTransaction;
    PlatformContext begins PlatformTransaction;
    PlatformContext begins ReadingTransaction;
    PlatformContext begins SyncTransaction;
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

lends!(ApiKeyTransaction: api_keys -> ApiKeyRepository);
lends!(AuditTransaction: audit -> AuditRepository);
lends!(IdentityTransaction:
    users -> UserRepository,
    credentials -> CredentialRepository,
    second_factors -> SecondFactorRepository,
    links -> LinkRepository,
    sessions -> SessionRepository,
    revocations -> RevocationRepository
);
lends!(OutboxTransaction: outbox -> OutboxRepository);
lends!(OwnMembershipsTransaction: own_memberships -> OwnMembershipRepository);
lends!(MembersTransaction: member_accounts -> MemberAccountRepository);
lends!(TenancyTransaction:
    organizations -> OrganizationRepository,
    memberships -> MembershipRepository,
    invitations -> InvitationRepository,
    projects -> ProjectRepository
);
lends!(ReadingTransaction:
    readings -> ReadingRepository,
    log -> ReadingLog,
    ledger -> Ledger,
    advisors -> AdvisorRepository
);
lends!(SyncTransaction:
    cycles -> CycleRepository,
    sync_sessions -> SyncSessionRepository,
    runs -> RunRepository,
    files -> FileRepository,
    destinations -> Destinations
);
lends!(TaskTransaction: tasks -> TaskRepository, references -> TaskReferences);
lends!(ArchiveTransaction: archive -> AuditArchive);
lends!(JobTransaction: jobs -> JobRepository);
lends!(PlatformTransaction:
    directory -> PlatformDirectory,
    revocations -> RevocationRepository,
    jobs -> JobRegister
);
lends!(ProfileTransaction: profiles -> ProfileRepository);
lends!(IdempotencyTransaction: requests -> RequestRepository);

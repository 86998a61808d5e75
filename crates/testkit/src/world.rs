use std::sync::Arc;

use chrono::{DateTime, Utc};
use tenantry_application::ports::{
    AdministratorLookup, Housekeeping, IdempotencyTransaction, JobQueue, MembersTransaction, PlatformTransaction,
    PurgeLimits, PurgeReport, SignInTransaction,
};
use tenantry_identity::{
    Actor, Email, NewAccount, Password, PasswordHash, PasswordPolicy, PlatformContext, Registration, User,
    ports::{
        ApiKeyLookup, ApiKeyTransaction, ApiKeyUses, CredentialLookup, GuessLedger, LinkDesk, LinkLookup,
        LivenessLookup, Outbox, RevocationFeed, SigningKeyStore,
    },
};
use tenantry_kernel::{Clock, IdGenerator, JobTransaction, Store, SystemIds, UserId};
use tenantry_readings::ports::ReadingTransaction;
use tenantry_sync::ports::{RunQueue, SyncTransaction};
use tenantry_tasks::ports::TaskTransaction;
use tenantry_tenancy::{
    Entrance, Membership, NewOrganization, NewProject, OrganizationName, Project, ProjectName, Projects, Role,
    TenantContext,
    ports::{InvitationLookup, OwnMembershipsTransaction, TenancyTransaction},
};

use crate::{ClearHasher, FixedClock};

/// Everything that a store adapter provides.
pub struct StorePorts {
    /// Accounts with their first organisation.
    pub sign_up: Arc<dyn Store<TenantContext, dyn MembersTransaction>>,
    /// Accounts with their memberships.
    pub sign_in: Arc<dyn Store<Actor, dyn SignInTransaction>>,
    /// Memberships alone.
    pub own_memberships: Arc<dyn Store<Actor, dyn OwnMembershipsTransaction>>,
    /// Organisations.
    pub tenancy: Arc<dyn Store<TenantContext, dyn TenancyTransaction>>,
    /// Tasks.
    pub tasks: Arc<dyn Store<TenantContext, dyn TaskTransaction>>,
    /// Readings of a tenant.
    pub readings: Arc<dyn Store<TenantContext, dyn ReadingTransaction>>,
    /// Readings, for those who answer them.
    pub reading_desk: Arc<dyn Store<PlatformContext, dyn ReadingTransaction>>,
    /// What organisations sync.
    pub sync: Arc<dyn Store<TenantContext, dyn SyncTransaction>>,
    /// Where its runs wait.
    pub run_queue: Arc<dyn RunQueue>,
    /// Asking for background jobs.
    pub jobs: Arc<dyn Store<TenantContext, dyn JobTransaction>>,
    /// Where they wait.
    pub job_queue: Arc<dyn JobQueue>,
    /// Administering the platform.
    pub platform: Arc<dyn Store<PlatformContext, dyn PlatformTransaction>>,
    /// Idempotent requests.
    pub requests: Arc<dyn Store<Actor, dyn IdempotencyTransaction>>,
    /// Sign-in.
    pub credentials: Arc<dyn CredentialLookup>,
    /// API keys of a member.
    pub api_keys: Arc<dyn Store<TenantContext, dyn ApiKeyTransaction>>,
    /// API keys that programs present.
    pub api_key_lookup: Arc<dyn ApiKeyLookup>,
    /// When they do.
    pub api_key_uses: Arc<dyn ApiKeyUses>,
    /// Mails that wait.
    pub outbox: Arc<dyn Outbox>,
    /// Links that are about to be mailed.
    pub link_desk: Arc<dyn LinkDesk>,
    /// Links that were mailed.
    pub link_lookup: Arc<dyn LinkLookup>,
    /// Invitations by their tokens.
    pub invitation_lookup: Arc<dyn InvitationLookup>,
    /// Guesses at secrets.
    pub guesses: Arc<dyn GuessLedger>,
    /// The log of revocations.
    pub revocation_feed: Arc<dyn RevocationFeed>,
    /// The keys of access tokens.
    pub signing_keys: Arc<dyn SigningKeyStore>,
    /// Token checks.
    pub liveness: Arc<dyn LivenessLookup>,
    /// Platform administrators.
    pub administrators: Arc<dyn AdministratorLookup>,
    /// Purges.
    pub housekeeping: Arc<dyn Housekeeping>,
}

impl StorePorts {
    /// The ports of a store that provides them all.
    #[must_use]
    pub fn of<S>(store: &Arc<S>) -> Self
    where
        S: Store<TenantContext, dyn MembersTransaction>
            + Store<Actor, dyn SignInTransaction>
            + Store<Actor, dyn OwnMembershipsTransaction>
            + Store<TenantContext, dyn TenancyTransaction>
            + Store<TenantContext, dyn TaskTransaction>
            + Store<TenantContext, dyn SyncTransaction>
            + Store<TenantContext, dyn ReadingTransaction>
            + Store<PlatformContext, dyn ReadingTransaction>
            + RunQueue
            + Store<TenantContext, dyn JobTransaction>
            + JobQueue
            + Store<PlatformContext, dyn PlatformTransaction>
            + Store<Actor, dyn IdempotencyTransaction>
            + CredentialLookup
            + Store<TenantContext, dyn ApiKeyTransaction>
            + ApiKeyLookup
            + ApiKeyUses
            + Outbox
            + LinkDesk
            + LinkLookup
            + InvitationLookup
            + GuessLedger
            + RevocationFeed
            + SigningKeyStore
            + LivenessLookup
            + AdministratorLookup
            + Housekeeping
            + 'static,
    {
        Self {
            sign_up: store.clone(),
            sign_in: store.clone(),
            own_memberships: store.clone(),
            tenancy: store.clone(),
            tasks: store.clone(),
            sync: store.clone(),
            readings: store.clone(),
            reading_desk: store.clone(),
            run_queue: store.clone(),
            jobs: store.clone(),
            job_queue: store.clone(),
            platform: store.clone(),
            requests: store.clone(),
            credentials: store.clone(),
            api_keys: store.clone(),
            api_key_lookup: store.clone(),
            api_key_uses: store.clone(),
            outbox: store.clone(),
            link_desk: store.clone(),
            link_lookup: store.clone(),
            invitation_lookup: store.clone(),
            guesses: store.clone(),
            revocation_feed: store.clone(),
            signing_keys: store.clone(),
            liveness: store.clone(),
            administrators: store.clone(),
            housekeeping: store.clone(),
        }
    }
}

/// A store with a clock that stands still, and people to fill it with. Every organisation is new, so that cases
/// don't meet.
pub struct World {
    /// The store.
    pub ports: StorePorts,
    /// The time.
    pub clock: Arc<FixedClock>,
    registration: Registration,
}

/// Somebody who has signed up.
pub struct Person {
    /// The account.
    pub user: User,
    /// The hash of the password.
    pub password_hash: PasswordHash,
    /// Who acts.
    pub actor: Actor,
    /// The person as the owner of their own organisation.
    pub owner: TenantContext,
}

impl World {
    /// The password of every person.
    pub const PASSWORD: &str = "a fine long password";

    /// A world in this store.
    #[must_use]
    pub fn new(ports: StorePorts) -> Self {
        let clock = Arc::new(FixedClock::default());
        let registration =
            Registration::new(Arc::new(ClearHasher), PasswordPolicy::default(), clock.clone(), Arc::new(SystemIds));
        Self { ports, clock, registration }
    }

    /// A new account that is not stored yet.
    ///
    /// # Panics
    /// When the account breaks a rule.
    pub async fn newcomer(&self) -> (User, PasswordHash, Actor) {
        let account = NewAccount {
            email: Email::parse(&format!("{}@example.com", SystemIds.next_id().simple())).expect("an address"),
            username: None,
            full_name: None,
            password: Password::parse(Self::PASSWORD).expect("a password"),
            is_platform_admin: false,
            must_change_password: false,
        };
        let registered = self.registration.prepare(account).await.expect("an account");
        (registered.user, registered.password_hash, registered.actor)
    }

    /// Somebody who has signed up, with an organisation of their own.
    ///
    /// # Panics
    /// When the store fails.
    pub async fn person(&self) -> Person {
        let (user, password_hash, actor) = self.newcomer().await;
        let now = self.clock.now();
        let name = OrganizationName::parse(user.username.as_str()).expect("a name");
        let foundation =
            TenantContext::found(actor.clone(), NewOrganization::named(name), now, &SystemIds).expect("a foundation");
        let mut transaction = self.ports.sign_up.begin(&foundation.context).await.expect("a transaction");
        transaction.users().insert(&user).await.expect("a new user");
        transaction.credentials().insert(user.id, &password_hash, now).await.expect("a new credential");
        transaction.organizations().insert(&foundation.organization).await.expect("a new organisation");
        transaction.memberships().insert(&foundation.membership).await.expect("a new membership");
        transaction.commit().await.expect("a commit");
        Person { user, password_hash, actor, owner: foundation.context }
    }

    /// Makes `person` a member of the context's organisation.
    ///
    /// # Panics
    /// When the store fails.
    pub async fn join(&self, context: &TenantContext, person: &Person, role: Role) -> TenantContext {
        let now = self.clock.now();
        let membership = Membership::joining(context.organization_id(), person.user.id, role, now);
        let mut transaction = self.ports.tenancy.begin(context).await.expect("a transaction");
        transaction.memberships().insert(&membership).await.expect("a new membership");
        transaction.commit().await.expect("a commit");
        let entrance = Entrance::new(Arc::clone(&self.ports.own_memberships));
        entrance.enter(person.actor.clone(), context.organization_id()).await.expect("an open membership")
    }

    /// A new project of the context's organisation.
    ///
    /// # Panics
    /// When the store fails.
    pub async fn project(&self, context: &TenantContext) -> Project {
        let projects = Projects::new(Arc::clone(&self.ports.tenancy), self.clock.clone(), Arc::new(SystemIds));
        let name = ProjectName::parse("Moving house").expect("a name");
        projects.create(context, NewProject::named(name)).await.expect("a new project")
    }

    /// Purges what had expired at `now`, and erases no account.
    ///
    /// # Panics
    /// When the store fails.
    pub async fn purge(&self, now: DateTime<Utc>) -> PurgeReport {
        self.ports.housekeeping.purge(PurgeLimits::expired_by(now)).await.expect("a purge")
    }

    /// An identifier that nothing has.
    #[must_use]
    pub fn stranger() -> UserId {
        UserId::generate(&SystemIds)
    }
}

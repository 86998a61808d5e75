use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tempfile::TempDir;
use tenantry_application::ports::MembersTransaction;
use tenantry_identity::{Actor, Email, PasswordHash, User, Username};
use tenantry_kernel::{IdGenerator, Revision, Store, UserId};
use tenantry_migrations::{roles, up};
use tenantry_tenancy::{NewOrganization, Organization, OrganizationName, TenantContext};
use tenantry_testkit::postgres::{TestDatabase, cluster};
use uuid::Uuid;

use crate::{Database, DatabaseUrl, StoreOptions};

/// A migrated, empty database.
pub struct TestStore {
    pub database: Database,
    pub postgres: Option<TestDatabase>,
    _directory: Option<TempDir>,
}

/// Both databases, or SQLite alone where there is no PostgreSQL.
pub async fn stores() -> Vec<TestStore> {
    let mut stores = vec![sqlite().await];
    stores.extend(postgres().await);
    stores
}

pub async fn sqlite() -> TestStore {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", directory.path().join("t.db").display());
    migrate(&url).await;
    TestStore { database: Database::new(&options(&url)).unwrap(), postgres: None, _directory: Some(directory) }
}

/// With the unprivileged logins of production.
pub async fn postgres() -> Option<TestStore> {
    let test = cluster().await?.database_from_template("store", async |url| migrate(&url).await).await;
    let platform_url = Some(DatabaseUrl::parse(&test.platform_url).unwrap());
    let database = Database::new(&StoreOptions { platform_url, ..options(&test.app_url) }).unwrap();
    Some(TestStore { database, postgres: Some(test), _directory: None })
}

pub fn options(url: &str) -> StoreOptions {
    let url = DatabaseUrl::parse(url).unwrap();
    StoreOptions { acquire_timeout: Duration::from_secs(3), ..StoreOptions::new(url) }
}

async fn migrate(url: &str) {
    let connection = Database::migrator(&options(url)).unwrap();
    roles::ensure_roles(&connection).await.unwrap();
    up(&connection, None).await.unwrap();
    connection.close().await.unwrap();
}

pub fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 123_456_000).unwrap()
}

/// Identifiers that differ, in order, over the whole process.
pub struct Ids;

impl IdGenerator for Ids {
    fn next_id(&self) -> Uuid {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Uuid::from_u128(u128::from(NEXT.fetch_add(1, Ordering::Relaxed)))
    }
}

pub fn user(name: &str) -> User {
    User {
        id: UserId::generate(&Ids),
        email: Email::parse(&format!("{name}@example.com")).unwrap(),
        username: Username::parse(name).unwrap(),
        full_name: None,
        is_active: true,
        is_platform_admin: false,
        must_change_password: false,
        email_verified_at: None,
        epoch: 0,
        last_login_at: None,
        created_at: at(0),
        updated_at: at(0),
        deleted_at: None,
        revision: Revision::FIRST,
    }
}

/// Who acts for a user that a test made.
#[expect(clippy::disallowed_methods, reason = "a test of the store signs nobody in")]
pub fn actor_of(user: &User) -> Actor {
    Actor::host(user.id)
}

/// Somebody who has signed up.
pub struct Newcomer {
    pub user: User,
    pub actor: Actor,
    pub organization: Organization,
    pub context: TenantContext,
}

pub async fn sign_up(database: &Database, name: &str) -> Newcomer {
    let user = user(name);
    let actor = actor_of(&user);
    let new = NewOrganization::named(OrganizationName::parse(name).unwrap());
    let foundation = TenantContext::found(actor.clone(), new, at(0), &Ids).unwrap();
    let store: &dyn Store<TenantContext, dyn MembersTransaction> = database;
    let mut transaction = store.begin(&foundation.context).await.unwrap();
    transaction.users().insert(&user).await.unwrap();
    let hash = PasswordHash::from_stored(format!("hash of {name}"));
    transaction.credentials().insert(user.id, &hash, at(0)).await.unwrap();
    transaction.organizations().insert(&foundation.organization).await.unwrap();
    transaction.memberships().insert(&foundation.membership).await.unwrap();
    transaction.commit().await.unwrap();
    Newcomer { user, actor, organization: foundation.organization, context: foundation.context }
}

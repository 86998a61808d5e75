use std::future::Future;
use std::task::{Context, Waker};
use std::time::Duration;

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tenantry_application::ports::SignInTransaction;
use tenantry_identity::{Actor, InsertUserError, UserKey, ports::IdentityTransaction};
use tenantry_kernel::{StorageError, Store};
use tenantry_tasks::ports::TaskTransaction;
use tenantry_tenancy::{InsertOrganizationError, TenantContext, ports::TenancyTransaction};

use super::fixture::{actor_of, at, options, postgres, sign_up, sqlite, stores, user};
use crate::scope::Scope;
use crate::transaction::Mode;
use crate::{Database, LoginCheck, RoleError, StoreOptions, check_role};

async fn number(transaction: &crate::StoreTransaction, sql: &str) -> i64 {
    let statement = Statement::from_string(transaction.get_database_backend(), sql);
    transaction.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

#[tokio::test]
async fn what_is_not_committed_is_gone() {
    for test in stores().await {
        let ada = sign_up(&test.database, "ada").await;
        let store: &dyn Store<Actor, dyn IdentityTransaction> = &test.database;
        let mut transaction = store.begin(&ada.actor).await.unwrap();
        transaction.users().record_login(ada.user.id, at(5)).await.unwrap();
        drop(transaction);
        let mut transaction = store.read(&ada.actor).await.unwrap();
        assert_eq!(transaction.users().find(ada.user.id).await.unwrap(), Some(ada.user));
    }
}

#[tokio::test]
async fn a_read_transaction_can_not_write() {
    for test in stores().await {
        let ada = sign_up(&test.database, "ada").await;
        let store: &dyn Store<Actor, dyn IdentityTransaction> = &test.database;
        let mut transaction = store.read(&ada.actor).await.unwrap();
        assert!(transaction.users().record_login(ada.user.id, at(5)).await.is_err());
    }
}

#[tokio::test]
async fn a_taken_key_is_named_alike_on_both() {
    for test in stores().await {
        let ada = sign_up(&test.database, "ada").await;
        let store: &dyn Store<Actor, dyn IdentityTransaction> = &test.database;
        for (wanted, email, username) in
            [(UserKey::Email, "ada", "bob"), (UserKey::Username, "bob", "ADA"), (UserKey::Email, "ada", "ada")]
        {
            let mut other = user(username);
            other.email = user(email).email;
            let mut transaction = store.begin(&actor_of(&other)).await.unwrap();
            let outcome = transaction.users().insert(&other).await;
            assert!(matches!(outcome, Err(InsertUserError::Taken(key)) if key == wanted), "{outcome:?}");
        }
        assert_eq!(ada.user.username.as_str(), "ada");
    }
}

#[tokio::test]
async fn a_transaction_that_failed_does_not_pretend_to_commit() {
    for test in stores().await {
        sign_up(&test.database, "ada").await;
        let (store, ada): (&dyn Store<Actor, dyn IdentityTransaction>, _) = (&test.database, user("ada"));
        let mut transaction = store.begin(&actor_of(&ada)).await.unwrap();
        assert!(transaction.users().insert(&ada).await.is_err());
        assert!(matches!(transaction.commit().await, Err(StorageError::Internal(_))));
    }
}

#[tokio::test]
async fn a_taken_slug_leaves_the_transaction_usable() {
    for test in stores().await {
        let ada = sign_up(&test.database, "ada").await;
        let bob = sign_up(&test.database, "bob").await;
        let new = tenantry_tenancy::NewOrganization::named(ada.organization.name.clone());
        let mut founded = TenantContext::found(bob.actor, new, at(1), &super::fixture::Ids).unwrap();
        let store: &dyn Store<TenantContext, dyn TenancyTransaction> = &test.database;
        let mut transaction = store.begin(&founded.context).await.unwrap();
        let outcome = transaction.organizations().insert(&founded.organization).await;
        assert!(matches!(outcome, Err(InsertOrganizationError::SlugTaken)));
        founded.organization.slug = founded.organization.slug.with_suffix("2");
        transaction.organizations().insert(&founded.organization).await.unwrap();
        transaction.memberships().insert(&founded.membership).await.unwrap();
        transaction.commit().await.unwrap();
        let mut transaction = store.read(&founded.context).await.unwrap();
        let found = transaction.organizations().find(founded.organization.id).await.unwrap();
        assert_eq!(found, Some(founded.organization));
    }
}

/// A client hangs up while a transaction begins, each time a little later: before BEGIN is sent, or before its answer.
/// SQLite has begun by then, so this is about PostgreSQL.
#[tokio::test]
async fn a_begin_that_was_given_up_leaves_no_transaction_behind() {
    let Some(test) = postgres().await else { return };
    let url = &test.postgres.as_ref().unwrap().app_url;
    // One connection only, so that the next transaction would get the one that was given up.
    let database = Database::new(&StoreOptions { pool_size: 1, pool_overflow: 0, ..options(url) }).unwrap();
    for polls in (0..6).cycle().take(60) {
        // Connected and idle, so that nothing but BEGIN is left to wait for.
        drop(database.begin(Scope::nobody(), Mode::Write).await.unwrap());
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut begin = Box::pin(database.begin(Scope::nobody(), Mode::Read));
        for _ in 0..polls {
            if begin.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(begin);
        tokio::time::sleep(Duration::from_millis(20)).await;
        // BEGIN within a transaction is but a warning: the one that only reads would go on.
        let next = database.begin(Scope::nobody(), Mode::Write).await.unwrap();
        assert_eq!(number(&next, "SELECT (current_setting('transaction_read_only') = 'off')::int::bigint").await, 1);
    }
    database.close().await;
}

#[tokio::test]
async fn one_login_for_everything_will_do_for_development_only() {
    let Some(test) = postgres().await else { return };
    check_role(&test.database, LoginCheck::Unprivileged).await.unwrap();
    let owner = Database::new(&options(&test.postgres.as_ref().unwrap().url)).unwrap();
    check_role(&owner, LoginCheck::Shared).await.unwrap();
    let refused = check_role(&owner, LoginCheck::Unprivileged).await.unwrap_err();
    assert!(matches!(&refused, RoleError::LoginBypasses { .. }), "{refused}");
    assert!(!refused.to_string().contains('\n'));
    owner.close().await;
}

#[tokio::test]
async fn an_unknown_server_is_unavailable() {
    let mut options = options("postgres://nobody@127.0.0.1:1/none");
    options.acquire_timeout = Duration::from_millis(300);
    let database = Database::new(&options).unwrap();
    assert!(matches!(database.ping().await, Err(StorageError::Unavailable(_))));
}

#[tokio::test]
async fn sqlite_is_durable_and_checks_references() {
    let test = sqlite().await;
    let transaction = test.database.begin(Scope::nobody(), Mode::Write).await.unwrap();
    assert_eq!(transaction.get_database_backend(), DbBackend::Sqlite);
    assert_eq!(number(&transaction, "PRAGMA synchronous").await, 2);
    assert_eq!(number(&transaction, "PRAGMA foreign_keys").await, 1);
    drop(transaction);
    let transaction = test.database.begin(Scope::nobody(), Mode::Read).await.unwrap();
    assert_eq!(number(&transaction, "PRAGMA query_only").await, 1);
}

#[tokio::test]
async fn every_context_begins_its_transactions() {
    for test in stores().await {
        let ada = sign_up(&test.database, "ada").await;
        let sign_in: &dyn Store<Actor, dyn SignInTransaction> = &test.database;
        assert_eq!(sign_in.read(&ada.actor).await.unwrap().own_memberships().list().await.unwrap().len(), 1);
        let tasks: &dyn Store<TenantContext, dyn TaskTransaction> = &test.database;
        assert!(tasks.read(&ada.context).await.unwrap().references().member_exists(ada.user.id).await.unwrap());
    }
}

//! PostgreSQL goes away and comes back.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use sqlx::{Connection, PgConnection};
use tenantry_identity::{Actor, ports::IdentityTransaction};
use tenantry_kernel::{StorageError, Store, Transaction};

use super::fixture::{TestStore, options, postgres, sign_up};
use crate::scope::Scope;
use crate::transaction::Mode;
use crate::{Database, StoreOptions, StoreTransaction};

/// One connection only, so that the next transaction would get the broken one.
fn of_one_connection(test: &TestStore) -> Database {
    let url = &test.postgres.as_ref().unwrap().app_url;
    Database::new(&StoreOptions { pool_size: 1, pool_overflow: 0, ..options(url) }).unwrap()
}

/// The server process of a connection.
async fn process(transaction: &StoreTransaction) -> i32 {
    let question = Statement::from_string(DbBackend::Postgres, "SELECT pg_backend_pid()");
    transaction.query_one_raw(question).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

/// Ends it as an administrator would, and waits until it is gone. A login may do that to its own.
async fn terminate(test: &TestStore, process: i32) {
    let mut connection = PgConnection::connect(&test.postgres.as_ref().unwrap().app_url).await.unwrap();
    let is_gone: bool = sqlx::query_scalar("SELECT pg_terminate_backend($1, 5000)")
        .bind(process)
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert!(is_gone, "the connection would not end");
    connection.close().await.unwrap();
}

async fn is_usable(database: &Database) -> bool {
    match database.begin(Scope::nobody(), Mode::Write).await {
        Ok(transaction) => {
            let is_alive = process(&transaction).await > 0;
            Box::new(transaction).commit().await.unwrap();
            is_alive
        }
        Err(StorageError::Unavailable(_)) => false,
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_connection_lost_between_statements_is_unavailable_and_replaced() {
    let Some(test) = postgres().await else { return };
    let ada = sign_up(&test.database, "ada").await;
    let database = of_one_connection(&test);
    let mut transaction = database.begin(Scope::user(ada.user.id.as_uuid()), Mode::Write).await.unwrap();
    terminate(&test, process(&transaction).await).await;
    let found = tenantry_identity::ports::UserRepository::find(&mut transaction, ada.user.id).await;
    assert!(matches!(found, Err(StorageError::Unavailable(_))), "{found:?}");
    drop(transaction);
    assert!(is_usable(&database).await, "the pool lent the broken connection again");
}

#[tokio::test]
async fn work_whose_commit_was_lost_is_unavailable_and_gone() {
    let Some(test) = postgres().await else { return };
    let ada = sign_up(&test.database, "ada").await;
    let database = of_one_connection(&test);
    let mut transaction = database.begin(Scope::user(ada.user.id.as_uuid()), Mode::Write).await.unwrap();
    let later = super::fixture::at(9);
    tenantry_identity::ports::UserRepository::record_login(&mut transaction, ada.user.id, later).await.unwrap();
    terminate(&test, process(&transaction).await).await;
    let outcome = Box::new(transaction).commit().await;
    assert!(matches!(outcome, Err(StorageError::Unavailable(_))), "{outcome:?}");
    let store: &dyn Store<Actor, dyn IdentityTransaction> = &database;
    let mut transaction = store.read(&ada.actor).await.unwrap();
    assert_eq!(transaction.users().find(ada.user.id).await.unwrap(), Some(ada.user));
}

/// An idle connection is taken for good for a while, so one caller may meet it; the next must not.
#[tokio::test]
async fn an_idle_connection_that_was_lost_costs_one_attempt_at_most() {
    let Some(test) = postgres().await else { return };
    let database = of_one_connection(&test);
    let transaction = database.begin(Scope::nobody(), Mode::Read).await.unwrap();
    let idle = process(&transaction).await;
    Box::new(transaction).commit().await.unwrap();
    terminate(&test, idle).await;
    // Usable or not, it must not be an internal error: `is_usable` panics at any other.
    let _ = is_usable(&database).await;
    assert!(is_usable(&database).await);
}

/// A client hangs up while its statement runs: the connection is not lent before that statement has ended.
#[tokio::test]
async fn a_statement_that_was_given_up_does_not_reach_the_next_transaction() {
    let Some(test) = postgres().await else { return };
    let database = of_one_connection(&test);
    for _ in 0..3 {
        let transaction = database.begin(Scope::nobody(), Mode::Write).await.unwrap();
        let sleep = Statement::from_string(DbBackend::Postgres, "SELECT pg_sleep(0.2)");
        let sleeping = transaction.query_all_raw(sleep);
        assert!(tokio::time::timeout(Duration::from_millis(50), sleeping).await.is_err());
        drop(transaction);
        let next = database.begin(Scope::nobody(), Mode::Read).await.unwrap();
        let question = "SELECT current_setting('transaction_read_only')";
        let question = Statement::from_string(DbBackend::Postgres, question);
        let answer: String = next.query_one_raw(question).await.unwrap().unwrap().try_get_by_index(0).unwrap();
        assert_eq!(answer, "on", "the next transaction went on with the one before");
    }
}

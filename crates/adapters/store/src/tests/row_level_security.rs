//! The second wall: what PostgreSQL refuses even when the scope layer is left out.

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tenantry_kernel::Transaction as _;
use uuid::Uuid;

use super::fixture::{Newcomer, postgres, sign_up};
use crate::StoreTransaction;
use crate::scope::Scope;
use crate::transaction::Mode;

async fn count(transaction: &StoreTransaction, table: &str) -> i64 {
    let sql = format!("SELECT COUNT(*) FROM {table}");
    let row = transaction.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap();
    row.unwrap().try_get_by_index(0).unwrap()
}

async fn attempt(transaction: &StoreTransaction, sql: &str) -> Option<u64> {
    transaction.execute_unprepared(sql).await.ok().map(|done| done.rows_affected())
}

fn within(of: &Newcomer) -> Scope {
    Scope::tenant(of.organization.id.as_uuid(), Some(of.user.id.as_uuid()), "OWNER")
}

#[tokio::test]
async fn raw_sql_sees_one_tenant_only() {
    let Some(test) = postgres().await else { return };
    let ada = sign_up(&test.database, "ada").await;
    sign_up(&test.database, "bob").await;
    for (scope, wanted) in [
        (Scope::nobody(), 0),
        (Scope::user(Uuid::nil()), 0),
        (Scope::user(ada.user.id.as_uuid()), 1),
        (within(&ada), 1),
        (Scope::platform(), 2),
    ] {
        let transaction = test.database.begin(scope, Mode::Read).await.unwrap();
        for table in ["users", "organizations", "memberships"] {
            assert_eq!(count(&transaction, table).await, wanted, "{table} for {scope:?}");
        }
    }
}

#[tokio::test]
async fn raw_sql_changes_one_tenant_only() {
    let Some(test) = postgres().await else { return };
    let ada = sign_up(&test.database, "ada").await;
    let bob = sign_up(&test.database, "bob").await;
    let (user, organization) = (bob.user.id, bob.organization.id);
    for (sql, wanted) in [
        ("UPDATE users SET epoch = 9".to_owned(), Some(1)),
        ("UPDATE organizations SET plan = 'PRO'".to_owned(), Some(1)),
        ("UPDATE memberships SET epoch = 9".to_owned(), Some(1)),
        ("UPDATE credentials SET password_hash = 'x'".to_owned(), Some(1)),
        ("DELETE FROM users".to_owned(), None),
        ("DELETE FROM organizations".to_owned(), None),
        ("SELECT password_hash FROM credentials".to_owned(), None),
        (format!("UPDATE memberships SET organization_id = '{organization}'"), None),
        (format!("INSERT INTO projects VALUES ('{organization}', '{user}', 'x')"), None),
        ("SET ROLE tenantry_platform".to_owned(), None),
        ("ALTER TABLE users DISABLE ROW LEVEL SECURITY".to_owned(), None),
        ("DROP POLICY users_bounds ON users".to_owned(), None),
    ] {
        let transaction = test.database.begin(within(&ada), Mode::Write).await.unwrap();
        assert_eq!(attempt(&transaction, &sql).await, wanted, "{sql}");
    }
}

#[tokio::test]
async fn settings_end_with_their_transaction() {
    let Some(test) = postgres().await else { return };
    let ada = sign_up(&test.database, "ada").await;
    for _ in 0..40 {
        drop(test.database.begin(within(&ada), Mode::Read).await.unwrap());
        let transaction = test.database.begin(Scope::nobody(), Mode::Read).await.unwrap();
        assert_eq!(count(&transaction, "users").await, 0);
    }
}

#[tokio::test]
async fn raw_sql_reads_what_concerns_ones_own_account_outside_of_organisations_alone() {
    let Some(test) = postgres().await else { return };
    let people = [sign_up(&test.database, "ada").await, sign_up(&test.database, "bob").await];
    for person in &people {
        let writer = test.database.begin(Scope::user(person.user.id.as_uuid()), Mode::Write).await.unwrap();
        // Any id will do, and theirs is at hand.
        let (id, user) = (person.user.id, person.user.id);
        let columns = "id, occurred_at, actor_id, actor_type, action, outcome, data";
        let values = format!("'{id}', now(), '{user}', 'user', 'user.login', 'success', '{{}}'");
        let insert = format!("INSERT INTO audit_log ({columns}) VALUES ({values})");
        assert_eq!(attempt(&writer, &insert).await, Some(1));
        Box::new(writer).commit().await.unwrap();
    }
    let [ada, _] = &people;
    for (scope, wanted) in [
        (Scope::nobody(), 0),
        (Scope::user(Uuid::nil()), 0),
        (Scope::user(ada.user.id.as_uuid()), 1),
        (within(ada), 0),
        (Scope::platform(), 2),
    ] {
        let transaction = test.database.begin(scope, Mode::Read).await.unwrap();
        assert_eq!(count(&transaction, "audit_log").await, wanted, "{scope:?}");
    }
}

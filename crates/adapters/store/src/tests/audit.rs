//! C13: the audit log stays as it was written, whoever tries to change it.

use sea_orm::ConnectionTrait;
use tenantry_identity::{AuditAction, AuditEntry, ports::AuditRepository};
use tenantry_kernel::{Clock, SystemClock, SystemIds, Transaction};

use super::fixture::{TestStore, postgres, sign_up, sqlite};
use crate::scope::Scope;
use crate::transaction::Mode;

async fn write_entry(test: &TestStore) {
    let person = sign_up(&test.database, "ada").await;
    let entry = AuditEntry::success(&SystemIds, SystemClock.now(), person.context.actor(), AuditAction::USER_LOGIN);
    let scope = Scope::user(person.user.id.as_uuid());
    let mut transaction = test.database.begin(scope, Mode::Write).await.unwrap();
    AuditRepository::append(&mut transaction, &entry).await.unwrap();
    Box::new(transaction).commit().await.unwrap();
}

async fn nothing_changes_the_log(test: &TestStore) {
    write_entry(test).await;
    for change in ["UPDATE audit_log SET action = 'nothing.happened'", "DELETE FROM audit_log"] {
        let transaction = test.database.begin(Scope::platform(), Mode::Write).await.unwrap();
        assert!(transaction.execute_unprepared(change).await.is_err(), "{change}");
    }
}

#[tokio::test]
async fn nothing_changes_the_log_on_sqlite() {
    nothing_changes_the_log(&sqlite().await).await;
}

#[tokio::test]
async fn nothing_changes_the_log_on_postgresql() {
    let Some(test) = postgres().await else { return };
    nothing_changes_the_log(&test).await;
}

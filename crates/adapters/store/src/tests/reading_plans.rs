//! What is often asked of readings is read from an index, with row-level security on.

use sea_orm::sea_query::SelectStatement;
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbBackend, Statement};
use tenantry_kernel::{Cursor, PageLimit, PageRequest, SortKey, Transaction as _};
use tenantry_readings::ReadingFilter;
use uuid::Uuid;

use super::fixture::{Newcomer, TestStore, at, options, sign_up, stores};
use crate::readings::{NEWEST_FIRST, select_answer, select_overdue, select_readings};
use crate::scope::Scope;
use crate::transaction::Mode;
use crate::{Database, StoreTransaction};

/// 20,000 readings of ten organisations, each organisation's by its owner. Nine in ten questions were asked once, and a
/// hundred readings are open.
async fn fill(test: &TestStore) -> Newcomer {
    let ada = sign_up(&test.database, "ada").await;
    for name in ["bob", "cyd", "dan", "eve", "fay", "gil", "hal", "ivy", "jan"] {
        sign_up(&test.database, name).await;
    }
    let transaction = test.database.begin(Scope::platform(), Mode::Write).await.unwrap();
    let (series, id, at, digest, no) = match transaction.get_database_backend() {
        DbBackend::Postgres => (
            "SELECT n FROM generate_series(1, 2000) n",
            "gen_random_uuid()",
            "timestamptz 'epoch' + s.n * interval '1 s'",
            "sha256(s.n::text::bytea)",
            "false",
        ),
        _ => (
            "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 2000) SELECT n FROM s",
            "randomblob(16)",
            "strftime('%Y-%m-%dT%H:%M:%S+00:00', s.n, 'unixepoch')",
            "CAST(printf('%032d', s.n) AS BLOB)",
            "0",
        ),
    };
    let insert = format!(
        "INSERT INTO readings (organization_id, id, user_id, advisor, question, question_digest, citations, status,
            prompt_tokens, completion_tokens, cost, is_estimated, stop_requested, created_at, deadline, completed_at,
            over_at, revision)
         SELECT m.organization_id, {id}, m.user_id, 'a', 'q', {digest}, '[]',
            CASE WHEN s.n > 1990 THEN 'pending' ELSE 'completed' END, 0, 0, 0, {no}, {no}, {at}, {at},
            CASE WHEN s.n <= 1990 THEN {at} END, CASE WHEN s.n <= 1990 THEN 1 END, 1
         FROM memberships m CROSS JOIN ({series}) s"
    );
    transaction.execute_unprepared(&insert).await.unwrap();
    Box::new(transaction).commit().await.unwrap();
    if let Some(postgres) = &test.postgres {
        let owner = Database::migrator(&options(&postgres.url)).unwrap();
        owner.execute_unprepared("ANALYZE").await.unwrap();
        owner.close().await.unwrap();
    }
    ada
}

async fn plan(transaction: &StoreTransaction, select: &SelectStatement) -> String {
    let backend = transaction.get_database_backend();
    let (explain, column) = if backend == DbBackend::Postgres { ("EXPLAIN", 0) } else { ("EXPLAIN QUERY PLAN", 3) };
    let mut statement: Statement = backend.build(select);
    statement.sql = format!("{explain} {}", statement.sql);
    let rows = transaction.query_all_raw(statement).await.unwrap();
    let lines = rows.iter().map(|row| row.try_get_by_index::<String>(column).unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

/// Begins to read where the planner sorts only if it must: it takes an organisation and its owner for independent, and so
/// expects few rows.
async fn begin(test: &TestStore, scope: Scope) -> StoreTransaction {
    let transaction = test.database.begin(scope, Mode::Read).await.unwrap();
    if transaction.get_database_backend() == DbBackend::Postgres {
        for switch in ["enable_bitmapscan", "enable_sort"] {
            transaction.execute_unprepared(&format!("SET LOCAL {switch} = off")).await.unwrap();
        }
    }
    transaction
}

fn assert_reads_from(plan: &str, index: &str) {
    assert!(plan.contains(index), "{index} is not used:\n{plan}");
    for costly in ["Seq Scan", "SCAN readings\n", "Bitmap", "Sort", "TEMP B-TREE"] {
        assert!(!plan.contains(costly), "{costly}:\n{plan}");
    }
}

#[tokio::test]
async fn readings_come_from_ordered_indexes() {
    for test in stores().await {
        let ada = fill(&test).await;
        let (organization, user) = (ada.organization.id.as_uuid(), ada.user.id);
        let scope = Scope::tenant(organization, Some(user.as_uuid()), "OWNER");
        let transaction = begin(&test, scope).await;
        let limit = PageLimit::default();
        let cursor = Cursor { key: SortKey::Time(at(-1_700_000_000 + 500)), id: Uuid::nil() };
        for page in [PageRequest::Number { page: 1, limit }, PageRequest::After { cursor, limit }] {
            let mut list = select_readings(transaction.scope(), user, &ReadingFilter::default());
            NEWEST_FIRST.order(&mut list, |column| column.as_column_ref());
            NEWEST_FIRST.window(&page).unwrap().cut(&mut list);
            assert_reads_from(&plan(&transaction, &list).await, "readings_by_user");
        }
        let answer = select_answer(transaction.scope(), &[7; 32], at(-1_700_000_000));
        let answer = plan(&transaction, &sea_orm::QueryTrait::into_query(answer)).await;
        assert_reads_from(&answer, "readings_by_question");
        drop(transaction);

        let transaction = begin(&test, Scope::platform()).await;
        let overdue = plan(&transaction, &select_overdue(transaction.scope(), at(0), 50)).await;
        assert_reads_from(&overdue, "readings_open");
    }
}

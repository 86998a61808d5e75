//! A page of a list is read from an index that is in the order of the list already, with row-level security on.

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tenantry_kernel::{Cursor, PageLimit, PageRequest, SortKey};
use tenantry_tasks::{TaskFilter, TaskSort, Visibility};

use super::fixture::{Ids, Newcomer, TestStore, at, sign_up, stores};
use crate::scope::Scope;
use crate::task_list::TaskList;
use crate::transaction::Mode;
use crate::{Database, StoreTransaction};

/// 20,000 tasks of ten organisations, each organisation's made by its owner.
async fn fill(test: &TestStore) -> Newcomer {
    let ada = sign_up(&test.database, "ada").await;
    for name in ["bob", "cyd", "dan", "eve", "fay", "gil", "hal", "ivy", "jan"] {
        sign_up(&test.database, name).await;
    }
    let transaction = test.database.begin(Scope::platform(), Mode::Write).await.unwrap();
    let series = match transaction.get_database_backend() {
        DbBackend::Postgres => {
            "SELECT n, gen_random_uuid() AS id, timestamptz 'epoch' + n * interval '1 s' AS at
             FROM generate_series(1, 2000) n"
        }
        _ => {
            "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 2000)
             SELECT n, randomblob(16) AS id, strftime('%Y-%m-%dT%H:%M:%S+00:00', n, 'unixepoch') AS at FROM s"
        }
    };
    let insert = format!(
        "INSERT INTO tasks (organization_id, id, user_id, assignee_id, title, search_text, status, priority, labels,
            created_at, updated_at, revision)
         SELECT m.organization_id, s.id, m.user_id, CASE WHEN s.n % 2 = 0 THEN m.user_id END, 'x', 'x', 'Pending', 0,
            '[]', s.at, s.at, 1
         FROM memberships m CROSS JOIN ({series}) s"
    );
    transaction.execute_unprepared(&insert).await.unwrap();
    tenantry_kernel::Transaction::commit(Box::new(transaction)).await.unwrap();
    ada
}

/// Statistics belong to the owner of the tables.
async fn analyze(test: &TestStore) {
    if let Some(postgres) = &test.postgres {
        let owner = Database::migrator(&super::fixture::options(&postgres.url)).unwrap();
        owner.execute_unprepared("ANALYZE").await.unwrap();
        owner.close().await.unwrap();
    }
}

async fn plan(transaction: &StoreTransaction, visibility: Visibility, page: &PageRequest) -> String {
    let (filter, backend) = (TaskFilter::default(), transaction.get_database_backend());
    let list = TaskList::new(backend, transaction.scope(), visibility, &filter);
    let mut statement: Statement = backend.build(&list.page(TaskSort::default(), page).unwrap());
    let explain = if backend == DbBackend::Postgres { "EXPLAIN" } else { "EXPLAIN QUERY PLAN" };
    statement.sql = format!("{explain} {}", statement.sql);
    let (rows, column) = (transaction.query_all_raw(statement).await.unwrap(), explain_column(backend));
    let lines = rows.iter().map(|row| row.try_get_by_index::<String>(column).unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

fn explain_column(backend: DbBackend) -> usize {
    if backend == DbBackend::Postgres { 0 } else { 3 }
}

#[tokio::test]
async fn first_and_deep_pages_come_from_an_ordered_index() {
    for test in stores().await {
        let ada = fill(&test).await;
        analyze(&test).await;
        let (organization, user) = (ada.organization.id.as_uuid(), ada.user.id);
        let scope = Scope::tenant(organization, Some(user.as_uuid()), "OWNER");
        let transaction = test.database.begin(scope, Mode::Read).await.unwrap();
        let limit = PageLimit::default();
        let deep =
            Cursor { key: SortKey::Time(at(-1_700_000_000 + 500)), id: tenantry_kernel::IdGenerator::next_id(&Ids) };
        for page in [PageRequest::Number { page: 1, limit }, PageRequest::After { cursor: deep, limit }] {
            for visibility in [Visibility::All, Visibility::Assigned(user), Visibility::OwnOrAssigned(user)] {
                let plan = plan(&transaction, visibility, &page).await;
                assert!(plan.contains("tasks_by_"), "{visibility:?} {page:?} without an index:\n{plan}");
                for costly in ["Seq Scan on tasks", "SCAN tasks\n", "Bitmap"] {
                    assert!(!plan.contains(costly), "{visibility:?} {page:?} has {costly}:\n{plan}");
                }
            }
        }
    }
}

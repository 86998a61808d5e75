//! The default lists of tasks come out of an index of the tenant that is in their order already, and each of those
//! indexes is missed when it is gone. The planner is told to sort only where it must, so no data is needed.

use sea_orm::sea_query::{PostgresQueryBuilder, SqliteQueryBuilder};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::Value;
use sqlx::Row;
use tenantry_kernel::{Cursor, PageLimit, PageRequest, SortKey, UserId};
use tenantry_tasks::{Direction, SortField, TaskFilter, TaskSort, Visibility};
use uuid::Uuid;

use super::super::fixture::{at, sqlite};
use super::probes::{MEMBER, Probe};
use crate::StoreTransaction;
use crate::scope::Scope;
use crate::task_list::TaskList;
use crate::transaction::Mode;

const DEFAULT: SortField = SortField::CreatedAt;
/// What the lists need; the others are for filters.
const INDEXES: [&str; 3] = ["tasks_by_creation", "tasks_by_user", "tasks_by_assignee"];

/// Every visibility in both directions, from the start and from a cursor.
fn lists(backend: DbBackend, field: SortField) -> Vec<String> {
    let (user, limit) = (UserId::from_uuid(Uuid::from_u128(1)), PageLimit::default());
    let scope = Scope::tenant(Uuid::from_u128(0xaa), Some(user.as_uuid()), "OWNER");
    let key = if field == DEFAULT { SortKey::Time(at(0)) } else { SortKey::Integer(1) };
    let pages =
        [PageRequest::Number { page: 1, limit }, PageRequest::After { cursor: Cursor { key, id: Uuid::nil() }, limit }];
    let mut lists = Vec::new();
    for visibility in [Visibility::All, Visibility::Assigned(user), Visibility::OwnOrAssigned(user)] {
        for direction in [Direction::Ascending, Direction::Descending] {
            for page in &pages {
                let filter = TaskFilter::default();
                let list = TaskList::new(backend, &scope, visibility, &filter);
                let select = list.page(TaskSort { field, direction }, page).unwrap();
                lists.push(match backend {
                    DbBackend::Postgres => select.to_string(PostgresQueryBuilder),
                    _ => select.to_string(SqliteQueryBuilder),
                });
            }
        }
    }
    lists
}

/// Why a plan reads more of the table than it answers with, if it does.
type Waste = Option<String>;

const FORCED: &str = "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off;
    SET LOCAL enable_incremental_sort = off;";

impl Probe {
    async fn waste(&mut self, list: &str) -> Waste {
        let explain = format!("{FORCED} {MEMBER} EXPLAIN (FORMAT JSON, COSTS OFF) {list}");
        let rows = self.answer(&explain).await;
        let plan: Value = serde_json::from_str(rows.first().unwrap().try_get_unchecked(0).unwrap()).unwrap();
        waste_of_node(&plan[0]["Plan"], false)
    }

    async fn first_waste(&mut self, lists: &[String]) -> Waste {
        for list in lists {
            if let Some(waste) = self.waste(list).await {
                return Some(format!("{waste} in {list}"));
            }
        }
        None
    }
}

/// A sort is of little when what it sorts was cut before.
fn waste_of_node(node: &Value, is_sorted: bool) -> Waste {
    let text = |name: &str| node[name].as_str().unwrap_or_default();
    let is_sorted = match text("Node Type") {
        "Sort" | "Incremental Sort" => true,
        "Limit" => false,
        _ => is_sorted,
    };
    if text("Relation Name") == "tasks" {
        let is_of_tenant = text("Node Type").starts_with("Index") && text("Index Cond").contains("organization_id =");
        // A filter by whose task it is reads all of the tenant's to find them.
        let is_filtered = text("Filter").contains("user_id =") || text("Filter").contains("assignee_id =");
        if is_sorted || is_filtered || !is_of_tenant {
            return Some(format!("{} {}, sorted: {is_sorted}", text("Node Type"), text("Index Name")));
        }
    }
    let parts = node["Plans"].as_array();
    parts.into_iter().flatten().find_map(|part| waste_of_node(part, is_sorted))
}

async fn first_waste_of_sqlite(transaction: &StoreTransaction, lists: &[String]) -> Waste {
    for list in lists {
        let explain = Statement::from_string(DbBackend::Sqlite, format!("EXPLAIN QUERY PLAN {list}"));
        let rows = transaction.query_all_raw(explain).await.unwrap();
        let is_by_person = list.contains("\"assignee_id\" = ");
        let step = |row: &sea_orm::QueryResult| -> (i64, String) {
            (row.try_get_by_index(1).unwrap(), row.try_get_by_index(3).unwrap())
        };
        let steps: Vec<_> = rows.iter().map(step).collect();
        let of_tasks = |step: &str| step.starts_with("SCAN tasks") || step.starts_with("SEARCH tasks");
        for (parent, step) in steps.iter().filter(|(_, step)| of_tasks(step)) {
            let is_sorted = steps.iter().any(|(of, other)| of == parent && other.starts_with("USE TEMP B-TREE"));
            let is_of_tenant = step.starts_with("SEARCH tasks USING INDEX") && step.contains("(organization_id=?");
            // SQLite does not say what it filters: whatever is no key of the search.
            let is_filtered = is_by_person && !step.contains("user_id=?") && !step.contains("assignee_id=?");
            if is_sorted || is_filtered || !is_of_tenant {
                return Some(format!("{step}, sorted: {is_sorted} in {list}"));
            }
        }
        assert!(steps.iter().any(|(_, step)| of_tasks(step)), "{steps:?}");
    }
    None
}

#[tokio::test]
async fn postgresql_lists_from_the_tenants_indexes_and_misses_each() {
    let Some(mut probe) = Probe::new().await else { return };
    let lists_in_order = lists(DbBackend::Postgres, DEFAULT);
    assert_eq!(probe.first_waste(&lists_in_order).await, None);
    for index in INDEXES {
        probe.mutate(&format!("DROP INDEX {index}")).await;
        assert!(probe.first_waste(&lists_in_order).await.is_some(), "nothing needs {index}");
        probe.undo().await;
    }
    let unordered = lists(DbBackend::Postgres, SortField::Priority);
    assert!(probe.first_waste(&unordered).await.is_some(), "a sort of the whole tenant was not noticed");
}

#[tokio::test]
async fn sqlite_lists_from_the_tenants_indexes_and_misses_each() {
    let test = sqlite().await;
    let lists_in_order = lists(DbBackend::Sqlite, DEFAULT);
    let intact = test.database.begin(Scope::nobody(), Mode::Write).await.unwrap();
    assert_eq!(first_waste_of_sqlite(&intact, &lists_in_order).await, None);
    let unordered = lists(DbBackend::Sqlite, SortField::Priority);
    assert!(first_waste_of_sqlite(&intact, &unordered).await.is_some(), "a sort of the whole tenant was not noticed");
    for index in INDEXES {
        // A connection keeps its plans, so it has to be another one.
        let test = sqlite().await;
        let transaction = test.database.begin(Scope::nobody(), Mode::Write).await.unwrap();
        transaction.execute_unprepared(&format!("DROP INDEX {index}")).await.unwrap();
        assert!(first_waste_of_sqlite(&transaction, &lists_in_order).await.is_some(), "nothing needs {index}");
    }
}

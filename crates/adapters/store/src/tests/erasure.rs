//! An organisation that is erased takes its rows in every table along, whoever adds one.

use std::collections::BTreeSet;

use sqlx::{query_as, query_scalar};

use super::fixture::{postgres, sqlite};
use crate::SqlPool;

/// Tables whose rows name an organisation and are not taken along by the database, and why.
const STAY: [(&str, &str); 4] = [
    ("audit_log", "an entry outlives what it tells of, and can't be changed"),
    ("jobs", "removed before, as the contract of looking after jobs has it; some belong to no organisation"),
    ("revocations", "gone when no access token is left"),
    ("sessions", "belong to a user; the next refresh goes elsewhere"),
];

fn check(named: Vec<(String,)>, taken_along: Vec<(String,)>) {
    let tables = |rows: Vec<(String,)>| rows.into_iter().map(|(table,)| table).collect::<BTreeSet<String>>();
    let (named, taken_along) = (tables(named), tables(taken_along));
    let left: Vec<&String> = named.difference(&taken_along).collect();
    assert_eq!(left, STAY.map(|(table, _)| table), "left: tables that keep rows of an erased organisation");
}

#[tokio::test]
async fn c8_no_table_keeps_rows_of_an_erased_organisation_on_postgresql() {
    let Some(test) = postgres().await else { return };
    let SqlPool::Postgres(pool) = test.database.background_pool() else { unreachable!() };
    let named = "SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attname = 'organization_id'";
    let taken_along = "SELECT DISTINCT conrelid::regclass::text FROM pg_constraint
        WHERE contype = 'f' AND confdeltype = 'c'
            AND (confrelid = 'organizations'::regclass OR EXISTS (SELECT 1 FROM pg_attribute a
                WHERE a.attrelid = confrelid AND a.attname = 'organization_id'))";
    check(query_as(named).fetch_all(&pool).await.unwrap(), query_as(taken_along).fetch_all(&pool).await.unwrap());
}

#[tokio::test]
async fn c8_no_table_keeps_rows_of_an_erased_organisation_on_sqlite() {
    let test = sqlite().await;
    let SqlPool::Sqlite(pool) = test.database.background_pool() else { unreachable!() };
    let enforced: i64 = query_scalar("PRAGMA foreign_keys").fetch_one(&pool).await.unwrap();
    assert_eq!(enforced, 1);
    let named = "SELECT m.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c ON c.name = 'organization_id'
        WHERE m.type = 'table'";
    let taken_along = "SELECT DISTINCT m.name FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f
        WHERE m.type = 'table' AND f.on_delete = 'CASCADE' AND (f.\"table\" = 'organizations'
            OR EXISTS (SELECT 1 FROM pragma_table_info(f.\"table\") c WHERE c.name = 'organization_id'))";
    check(query_as(named).fetch_all(&pool).await.unwrap(), query_as(taken_along).fetch_all(&pool).await.unwrap());
}

//! The schema that the migrations make is the one that the entities describe, on both databases.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{
    ColumnTrait, ColumnType, ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, Iterable, Statement,
};
use tenantry_migrations::{down, fresh, roles, status, up};
use tenantry_testkit::postgres::cluster;

use crate::{Database, DatabaseUrl, StoreOptions};

/// A column: the family of its type, and whether it may be empty.
type Columns = BTreeMap<String, (&'static str, bool)>;

fn columns_of<E: EntityTrait>(backend: DbBackend) -> (String, Columns) {
    let column = |column: E::Column| {
        let definition = column.def();
        (
            sea_orm::IdenStatic::as_str(&column).to_owned(),
            (family(definition.get_column_type(), backend), definition.is_null()),
        )
    };
    (E::default().table_name().to_owned(), E::Column::iter().map(column).collect())
}

fn family(kind: &ColumnType, backend: DbBackend) -> &'static str {
    let (postgres, sqlite) = match kind {
        ColumnType::Uuid => ("uuid", "BLOB"),
        ColumnType::TimestampWithTimeZone => ("timestamp with time zone", "TEXT"),
        ColumnType::Json | ColumnType::JsonBinary => ("jsonb", "TEXT"),
        ColumnType::Boolean => ("boolean", "INTEGER"),
        ColumnType::BigInteger => ("bigint", "INTEGER"),
        ColumnType::SmallInteger => ("smallint", "INTEGER"),
        ColumnType::String(_) | ColumnType::Text => ("text", "TEXT"),
        ColumnType::VarBinary(_) | ColumnType::Blob | ColumnType::Binary(_) => ("bytea", "BLOB"),
        other => panic!("an entity has a type that no migration makes: {other:?}"),
    };
    if backend == DbBackend::Postgres { postgres } else { sqlite }
}

fn described(backend: DbBackend) -> BTreeMap<String, Columns> {
    BTreeMap::from([
        columns_of::<super::advisor::Entity>(backend),
        columns_of::<super::api_key::Entity>(backend),
        columns_of::<super::audit_entry::Entity>(backend),
        columns_of::<super::audit_head::Entity>(backend),
        columns_of::<super::audit_link::Entity>(backend),
        columns_of::<super::audit_waiting::Entity>(backend),
        columns_of::<super::credential::Entity>(backend),
        columns_of::<super::cycle::Entity>(backend),
        columns_of::<super::guess_bucket::Entity>(backend),
        columns_of::<super::idempotency_key::Entity>(backend),
        columns_of::<super::invitation::Entity>(backend),
        columns_of::<super::job::Entity>(backend),
        columns_of::<super::mailed_link::Entity>(backend),
        columns_of::<super::membership::Entity>(backend),
        columns_of::<super::organization::Entity>(backend),
        columns_of::<super::outgoing_mail::Entity>(backend),
        columns_of::<super::project::Entity>(backend),
        columns_of::<super::reading::Entity>(backend),
        columns_of::<super::reading_budget::Entity>(backend),
        columns_of::<super::reading_chunk::Entity>(backend),
        columns_of::<super::reading_ledger_entry::Entity>(backend),
        columns_of::<super::reading_sum::Entity>(backend),
        columns_of::<super::recovery_code::Entity>(backend),
        columns_of::<super::revocation::Entity>(backend),
        columns_of::<super::session::Entity>(backend),
        columns_of::<super::signing_key::Entity>(backend),
        columns_of::<super::sync_file::Entity>(backend),
        columns_of::<super::sync_part::Entity>(backend),
        columns_of::<super::sync_run::Entity>(backend),
        columns_of::<super::sync_session::Entity>(backend),
        columns_of::<super::sync_turn::Entity>(backend),
        columns_of::<super::task::Entity>(backend),
        columns_of::<super::totp_secret::Entity>(backend),
        columns_of::<super::user::Entity>(backend),
    ])
}

const POSTGRES_COLUMNS: &str = "
    SELECT table_name::text AS t, column_name::text AS c, data_type::text AS k, is_nullable = 'YES' AS n
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'seaql_migrations'";

const SQLITE_COLUMNS: &str = "
    SELECT m.name AS t, p.name AS c, p.type AS k, p.\"notnull\" = 0 AS n
    FROM sqlite_schema m JOIN pragma_table_info(m.name) p
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name <> 'seaql_migrations'";

async fn found(connection: &DatabaseConnection) -> BTreeMap<String, BTreeMap<String, (String, bool)>> {
    let backend = connection.get_database_backend();
    let question = if backend == DbBackend::Postgres { POSTGRES_COLUMNS } else { SQLITE_COLUMNS };
    let rows = connection.query_all_raw(Statement::from_string(backend, question)).await.unwrap();
    let mut tables = BTreeMap::<String, BTreeMap<_, _>>::new();
    for row in rows {
        let text = |name: &str| row.try_get::<String>("", name).unwrap();
        let column = (text("k"), row.try_get::<bool>("", "n").unwrap());
        tables.entry(text("t")).or_default().insert(text("c"), column);
    }
    tables
}

async fn assert_schema_matches(connection: &DatabaseConnection) {
    let found = found(connection).await;
    let described = described(connection.get_database_backend());
    assert_eq!(found.keys().collect::<BTreeSet<_>>(), described.keys().collect::<BTreeSet<_>>());
    for (table, columns) in described {
        let columns: BTreeMap<_, _> =
            columns.into_iter().map(|(name, (kind, is_null))| (name, (kind.to_owned(), is_null))).collect();
        assert_eq!(found[&table], columns, "{table}");
    }
}

async fn assert_goes_up_and_down(connection: &DatabaseConnection) {
    roles::ensure_roles(connection).await.unwrap();
    up(connection, None).await.unwrap();
    assert_schema_matches(connection).await;
    assert!(status(connection).await.unwrap().iter().all(|step| step.applied));
    down(connection, Some(1)).await.unwrap();
    assert_eq!(status(connection).await.unwrap().iter().filter(|step| !step.applied).count(), 1);
    down(connection, None).await.unwrap();
    assert!(found(connection).await.is_empty());
    up(connection, Some(2)).await.unwrap();
    up(connection, None).await.unwrap();
    assert_schema_matches(connection).await;
    fresh(connection).await.unwrap();
    assert_schema_matches(connection).await;
    // A second node that starts finds nothing to do.
    roles::ensure_roles(connection).await.unwrap();
    up(connection, None).await.unwrap();
}

fn migrator(url: &str) -> DatabaseConnection {
    Database::migrator(&StoreOptions::new(DatabaseUrl::parse(url).unwrap())).unwrap()
}

#[tokio::test]
async fn l7_sqlite_goes_up_and_down_and_matches_the_entities() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", directory.path().join("t.db").display());
    assert_goes_up_and_down(&migrator(&url)).await;
}

#[tokio::test]
async fn l7_postgres_goes_up_and_down_and_matches_the_entities() {
    let Some(cluster) = cluster().await else { return };
    let database = cluster.create_database().await;
    assert_goes_up_and_down(&migrator(&database.url)).await;
}

/// What every table of PostgreSQL must have, asked of its catalogue.
#[tokio::test]
async fn every_postgres_table_is_behind_forced_row_level_security() {
    let Some(cluster) = cluster().await else { return };
    let database = cluster.create_database().await;
    let connection = migrator(&database.url);
    roles::ensure_roles(&connection).await.unwrap();
    up(&connection, None).await.unwrap();
    let question = "
        SELECT c.relname::text AS name, c.relrowsecurity AND c.relforcerowsecurity AS is_forced,
            EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive
                AND p.polroles = ARRAY['tenantry_app'::regrole::oid]) AS is_bound
        FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
            AND c.relname <> 'seaql_migrations'";
    for row in connection.query_all_raw(Statement::from_string(DbBackend::Postgres, question)).await.unwrap() {
        let name: String = row.try_get("", "name").unwrap();
        assert!(row.try_get::<bool>("", "is_forced").unwrap(), "{name} has no forced row-level security");
        // Revocations hold ids and epochs only, and guesses are counted under keyed hashes before anybody is known.
        let is_bound: bool = row.try_get("", "is_bound").unwrap();
        assert!(
            is_bound || ["guess_buckets", "revocations"].contains(&name.as_str()),
            "{name} has no restrictive policy"
        );
    }
}

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, Statement};

/// What a type is called on each database. STRICT tables of SQLite know five types, so times and documents are text
/// there, and identifiers the sixteen bytes that they are. SQLite always compares text byte by byte.
const TYPES: [(&str, &str, &str); 9] = [
    ("{uuid}", "uuid", "BLOB"),
    ("{time}", "timestamptz", "TEXT"),
    ("{json}", "jsonb", "TEXT"),
    ("{bool}", "boolean", "INTEGER"),
    ("{int}", "bigint", "INTEGER"),
    ("{small}", "smallint", "INTEGER"),
    ("{bytes}", "bytea", "BLOB"),
    ("{bytewise}", "COLLATE \"C\"", ""),
    ("{strict}", "", "STRICT"),
];

/// One step's SQL: what both databases share, and what only one has (policies, grants and look-up functions).
#[derive(Default)]
pub struct Script {
    /// Statements for both databases, with the placeholders `{uuid}`, `{time}`, `{json}`, `{bool}`, `{int}`,
    /// `{small}`, `{bytes}` for types, `{bytewise}` after a text to sort by and `{strict}` after a table.
    pub both: &'static str,
    /// Statements for PostgreSQL alone, with the placeholder `{schema}`.
    pub postgres: String,
    /// Statements for SQLite alone.
    pub sqlite: &'static str,
}

impl Script {
    /// Runs the shared part, then the database's own.
    pub async fn run(&self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        execute(manager, &with_types(self.both, backend)).await?;
        if backend == DbBackend::Sqlite && !self.sqlite.is_empty() {
            execute(manager, self.sqlite).await?;
        }
        self.run_postgres(manager).await
    }

    /// Runs PostgreSQL's part, then the shared one: the order that undoes [`Script::run`].
    pub async fn run_reversed(&self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        self.run_postgres(manager).await?;
        execute(manager, &with_types(self.both, manager.get_database_backend())).await
    }

    async fn run_postgres(&self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Postgres || self.postgres.is_empty() {
            return Ok(());
        }
        let schema = current_schema(manager.get_connection()).await?;
        execute(manager, &self.postgres.replace("{schema}", &schema)).await
    }
}

/// The schema that new tables go to, quoted for SQL. Functions name it, since they must not trust the search path
/// of whoever calls them.
pub async fn current_schema<C: ConnectionTrait>(connection: &C) -> Result<String, DbErr> {
    let question = Statement::from_string(DbBackend::Postgres, "SELECT quote_ident(current_schema()) AS name");
    let row = connection.query_one_raw(question).await?;
    let name = row.map(|row| row.try_get::<Option<String>>("", "name")).transpose()?.flatten();
    name.ok_or_else(|| DbErr::Migration("the search path names no schema that exists".to_owned()))
}

async fn execute(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    manager.get_connection().execute_unprepared(sql).await.map(|_| ())
}

fn with_types(sql: &str, backend: DbBackend) -> String {
    TYPES.iter().fold(sql.to_owned(), |sql, (placeholder, postgres, sqlite)| {
        sql.replace(placeholder, if backend == DbBackend::Postgres { postgres } else { sqlite })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_written_as_each_database_knows_it() {
        let sql = "CREATE TABLE t (id {uuid}, at {time}) {strict}";
        assert_eq!(with_types(sql, DbBackend::Postgres), "CREATE TABLE t (id uuid, at timestamptz) ");
        assert_eq!(with_types(sql, DbBackend::Sqlite), "CREATE TABLE t (id BLOB, at TEXT) STRICT");
    }
}

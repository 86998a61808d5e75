use std::error::Error;

use sea_orm::{DbErr, RuntimeErr};
use tenantry_kernel::StorageError;

/// What a database error means to whoever called a port.
#[derive(Clone, Copy)]
enum Meaning {
    Unavailable,
    Serialization,
    Internal,
}

/// SQLSTATE classes and codes of PostgreSQL (appendix A of its manual) under which a later call may succeed: connection
/// exceptions, insufficient resources, operator intervention (which has the statement timeout), an idle transaction
/// that was ended, a lock that did not come in time.
const UNAVAILABLE_CLASSES: [&str; 3] = ["08", "53", "57"];
const UNAVAILABLE_CODES: [&str; 2] = ["25P03", "55P03"];

/// Serialization failure and deadlock.
const SERIALIZATION_CODES: [&str; 2] = ["40001", "40P01"];

/// Primary result codes of SQLite (the low byte of what it reports): busy, locked, I/O error, full, can't open.
const SQLITE_UNAVAILABLE: [i32; 5] = [5, 6, 10, 13, 14];

/// SQLite's extended code for a primary key that is taken.
const SQLITE_PRIMARY_KEY: &str = "1555";

/// Translates an error of a query.
pub(crate) fn storage(error: DbErr) -> StorageError {
    match sqlx_of(&error) {
        Some(source) => classify(meaning_of(source), error.into()),
        None if matches!(error, DbErr::ConnectionAcquire(_)) => StorageError::Unavailable(error.into()),
        None => StorageError::Internal(error.into()),
    }
}

/// Translates an error of a connection.
pub(crate) fn storage_sqlx(error: sqlx::Error) -> StorageError {
    classify(meaning_of(&error), error.into())
}

/// The unique constraint that an insert or update broke, by the same name on both databases: `TABLE_pkey` for the
/// primary key, else the table's name and the columns' names, joined by underscores.
pub(crate) fn broken_unique(error: &DbErr) -> Option<String> {
    let error = sqlx_of(error)?.as_database_error()?;
    if !error.is_unique_violation() {
        return None;
    }
    error.constraint().map(str::to_owned).or_else(|| sqlite_constraint(error.message(), error.code().as_deref()))
}

/// SQLite names columns only: `UNIQUE constraint failed: users.email_key`.
fn sqlite_constraint(message: &str, code: Option<&str>) -> Option<String> {
    let (_, columns) = message.split_once("constraint failed: ")?;
    let (table, _) = columns.split_once('.')?;
    if code == Some(SQLITE_PRIMARY_KEY) {
        return Some(format!("{table}_pkey"));
    }
    let columns = columns.split(", ").filter_map(|column| column.split_once('.').map(|(_, name)| name));
    Some(columns.fold(table.to_owned(), |name, column| format!("{name}_{column}")))
}

fn sqlx_of(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}

fn classify(meaning: Meaning, error: Box<dyn Error + Send + Sync>) -> StorageError {
    match meaning {
        Meaning::Unavailable => StorageError::Unavailable(error),
        Meaning::Serialization => StorageError::Serialization(error),
        Meaning::Internal => StorageError::Internal(error),
    }
}

fn meaning_of(error: &sqlx::Error) -> Meaning {
    match error {
        sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::Io(_)
        // What a proxy says whose own server is away.
        | sqlx::Error::Protocol(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => Meaning::Unavailable,
        sqlx::Error::Database(error) => meaning_of_code(error.code().as_deref().unwrap_or_default()),
        _ => Meaning::Internal,
    }
}

/// PostgreSQL's codes have five characters, SQLite's are numbers below that.
fn meaning_of_code(code: &str) -> Meaning {
    if code.len() < 5 {
        let primary = code.parse::<i32>().map(|code| code & 0xff);
        return if primary.is_ok_and(|code| SQLITE_UNAVAILABLE.contains(&code)) {
            Meaning::Unavailable
        } else {
            Meaning::Internal
        };
    }
    if SERIALIZATION_CODES.contains(&code) {
        Meaning::Serialization
    } else if UNAVAILABLE_CODES.contains(&code) || UNAVAILABLE_CLASSES.iter().any(|class| code.starts_with(class)) {
        Meaning::Unavailable
    } else {
        Meaning::Internal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_names_become_postgres_names() {
        let unique =
            |columns: &str, code| sqlite_constraint(&format!("UNIQUE constraint failed: {columns}"), Some(code));
        assert_eq!(unique("users.email_key", "2067").as_deref(), Some("users_email_key"));
        assert_eq!(unique("tasks.organization_id, tasks.id", "1555").as_deref(), Some("tasks_pkey"));
        assert_eq!(unique("a.b, a.c", "2067").as_deref(), Some("a_b_c"));
        assert_eq!(sqlite_constraint("database is locked", None), None);
    }

    #[test]
    fn codes_have_their_meaning() {
        for code in ["57P01", "57P03", "57014", "08006", "53300", "25P03", "5", "517", "6", "10", "13"] {
            assert!(matches!(meaning_of_code(code), Meaning::Unavailable), "{code}");
        }
        for code in ["40001", "40P01"] {
            assert!(matches!(meaning_of_code(code), Meaning::Serialization), "{code}");
        }
        for code in ["23505", "42501", "19", "1", ""] {
            assert!(matches!(meaning_of_code(code), Meaning::Internal), "{code}");
        }
    }
}

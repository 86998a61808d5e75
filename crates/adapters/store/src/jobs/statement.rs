//! Statements over many jobs at once, which are written by hand: no builder knows all of what they need.

use sea_orm::sea_query::Value;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};
use tenantry_kernel::StorageError;

use crate::StoreTransaction;
use crate::database_clock::now_ms_sql;
use crate::error::storage;

/// Rows of values that one statement takes at most.
pub(super) const ROWS: usize = 256;

/// A text with the placeholders `{now}` for the database's clock, and `{skip_locked}` behind a sub-select whose rows are to
/// be changed, so that workers don't wait for one another.
pub(super) fn sql(backend: DbBackend, text: &str) -> String {
    let lock = if backend == DbBackend::Postgres { "FOR NO KEY UPDATE SKIP LOCKED" } else { "" };
    text.replace("{now}", now_ms_sql(backend)).replace("{skip_locked}", lock)
}

/// So many rows of so many parameters, which start behind the parameter `first`: `($3, $4), ($5, $6)`.
pub(super) fn rows_of_parameters(first: usize, rows: usize, width: usize) -> String {
    let row = |row: usize| {
        let names: Vec<String> = (1..=width).map(|column| format!("${}", first + row * width + column)).collect();
        format!("({})", names.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

impl StoreTransaction {
    /// What a statement answers.
    pub(super) async fn answers(&self, sql: String, values: Vec<Value>) -> Result<Vec<QueryResult>, StorageError> {
        let statement = Statement::from_sql_and_values(self.get_database_backend(), sql, values);
        self.query_all_raw(statement).await.map_err(storage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbered_through() {
        assert_eq!(rows_of_parameters(1, 2, 2), "($2, $3), ($4, $5)");
    }
}

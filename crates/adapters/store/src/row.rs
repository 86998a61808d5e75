use sea_orm::{QueryResult, TryGetable};
use tenantry_kernel::StorageError;

use crate::error::storage;

/// Reads the columns of a row in the order in which they were selected, which is much cheaper than by name.
pub(crate) struct RowReader<'r> {
    row: &'r QueryResult,
    next: usize,
}

impl<'r> RowReader<'r> {
    /// Starts at the first column.
    pub(crate) fn new(row: &'r QueryResult) -> Self {
        Self { row, next: 0 }
    }

    /// The next column.
    pub(crate) fn take<T: TryGetable>(&mut self) -> Result<T, StorageError> {
        let value = self.row.try_get_by_index(self.next).map_err(storage)?;
        self.next += 1;
        Ok(value)
    }
}

/// A stored value that its domain type refuses.
pub(crate) fn corrupt(table: &str, id: impl std::fmt::Display, column: &str) -> StorageError {
    StorageError::Corrupt(format!("{table}.{column} of {id}"))
}

/// A count or a size, as a signed number.
pub(crate) fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A count or a size that was stored.
pub(crate) fn count(stored: i64, broken: impl FnOnce() -> StorageError) -> Result<u64, StorageError> {
    u64::try_from(stored).ok().ok_or_else(broken)
}

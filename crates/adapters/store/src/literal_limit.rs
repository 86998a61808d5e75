//! SQLite plans a statement anew each time it is executed with a limit that is a parameter, since the limit may change
//! the plan. Small limits, of which there are few, are therefore written into the text.

use sea_orm::Statement;
use sea_orm::sea_query::{Value, Values};

/// Limits up to here are written out: a page and the item that tells of the next.
const LARGEST: u64 = 101;

const LIMIT: &str = "LIMIT ";

/// The same statement with its small limits as literals.
pub(crate) fn with_literal_limits(statement: Statement) -> Statement {
    match statement.values {
        Some(values) if statement.sql.contains("LIMIT ?") => {
            let (sql, values) = inline(&statement.sql, values.0);
            Statement { sql, values: Some(Values(values)), ..statement }
        }
        values => Statement { values, ..statement },
    }
}

/// Goes from placeholder to placeholder. What sea-query writes has no `?` but its placeholders: texts are values.
fn inline(sql: &str, values: Vec<Value>) -> (String, Vec<Value>) {
    let mut pieces = sql.split('?');
    let mut text = String::with_capacity(sql.len());
    text.push_str(pieces.next().unwrap_or_default());
    let mut kept = Vec::with_capacity(values.len());
    for (value, piece) in values.into_iter().zip(pieces) {
        match value {
            Value::BigUnsigned(Some(limit)) if limit <= LARGEST && text.ends_with(LIMIT) => {
                text.push_str(&limit.to_string());
            }
            value => {
                text.push('?');
                kept.push(value);
            }
        }
        text.push_str(piece);
    }
    (text, kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_limits_are_written_out_and_nothing_else() {
        let sql = "SELECT a FROM t WHERE b = ? LIMIT ? UNION SELECT a FROM t WHERE b = ? LIMIT ? OFFSET ?";
        let number = |value: u64| Value::from(value);
        let values = vec![number(7), number(51), number(8), number(5_000), number(9)];
        let (text, kept) = inline(sql, values);
        assert_eq!(text, "SELECT a FROM t WHERE b = ? LIMIT 51 UNION SELECT a FROM t WHERE b = ? LIMIT ? OFFSET ?");
        assert_eq!(kept, vec![number(7), number(8), number(5_000), number(9)]);
    }
}

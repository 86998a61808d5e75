//! Searching for words in texts.

use sea_orm::sea_query::{Expr, ExprTrait, Func};
use sea_orm::{ColumnTrait, DbBackend};

/// What is kept of texts to be searched. No word has a line break, so none is found across two of them.
pub(crate) fn search_text(texts: &[&str]) -> String {
    searchable(&texts.join("\n"))
}

/// A text as words are looked for in it: in lower case, each character by itself, so that a part of a text is turned
/// into the same part of the result.
fn searchable(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// Whether a word is in a column of search texts. No pattern: whatever is in the word means itself.
pub(crate) fn has_word<C: ColumnTrait>(backend: DbBackend, column: C, word: &str) -> Expr {
    let function = if backend == DbBackend::Postgres { "strpos" } else { "instr" };
    let text = Expr::col(column.as_column_ref());
    Expr::from(Func::cust(function).arg(text).arg(searchable(word))).gt(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_text_stays_a_part_of_what_is_searched() {
        assert_eq!(searchable("Σίσυφος ÉTÉ"), "σίσυφος été");
        assert!(searchable("ΟΔΟΣΧΕΙΑ").contains(&searchable("ΟΔΟΣ")));
        assert_eq!(search_text(&["Buy", "Milk"]), "buy\nmilk");
        assert_eq!(search_text(&["Buy", ""]), "buy\n");
    }
}

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use super::lines::JsonLines;
use super::row::Row;
use super::table::Table;

/// The most bytes that a row may have.
pub const MAX_ROW_BYTES: usize = 64 * 1_024;

/// A row, or why there is none, and the line where it begins.
#[derive(Debug)]
pub struct NumberedRow {
    pub line: u64,
    pub row: Result<Row, RowError>,
}

/// Why a row could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// It says something else than a row.
    #[error("{0}")]
    Malformed(String),
    /// It has more bytes than any row needs.
    #[error("the row has more than 64 KiB; is a quotation mark missing?")]
    TooLong,
    /// The file ends here, for us.
    #[error("the file can't be read any further: {0}")]
    Unreadable(String),
}

/// What the rows of a file look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values with a line of names.
    Csv,
    /// An object a line.
    JsonLines,
}

impl Format {
    /// The format that the name of a file tells.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            _ => None,
        }
    }
}

/// The rows of a file, one after the other.
pub fn open(path: &Path) -> Result<Box<dyn Iterator<Item = NumberedRow>>, String> {
    let format = Format::of(path).ok_or("the name of the file must end in .csv, .jsonl or .ndjson")?;
    let file = File::open(path).map_err(|error| format!("{} can't be read: {error}", path.display()))?;
    read(format, file)
}

/// The same of anything that can be read.
pub fn read(format: Format, input: impl Read + 'static) -> Result<Box<dyn Iterator<Item = NumberedRow>>, String> {
    Ok(match format {
        Format::Csv => Box::new(Table::new(input)?),
        Format::JsonLines => Box::new(JsonLines::new(BufReader::new(input))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(format: Format, text: &'static [u8]) -> Vec<(u64, Result<Row, RowError>)> {
        read(format, text).unwrap().map(|numbered| (numbered.line, numbered.row)).collect()
    }

    fn row(email: &str, hash: &str) -> Row {
        Row { email: Some(email.to_owned()), password_hash: Some(hash.to_owned()), ..Row::default() }
    }

    #[test]
    fn c11_a_bad_row_of_csv_has_its_line_and_loses_no_other() {
        let text = "\u{feff}Email, password_hash ,email_verified\n\
                    a@x,h1,TRUE\n\
                    b@x,h2\n\
                    \"c@\nx\",h3,0\n\
                    d@x,h4,perhaps\n\
                    \n\
                    e@x,h5,";
        let found = rows(Format::Csv, text.as_bytes());
        let verified = |row: Row, email_verified| Row { email_verified, ..row };
        let malformed = |text: &str| Err(RowError::Malformed(text.to_owned()));
        let expected = [
            (2, Ok(verified(row("a@x", "h1"), Some(true)))),
            (3, malformed("has 2 columns instead of 3")),
            (4, Ok(verified(row("c@\nx", "h3"), Some(false)))),
            (6, malformed("email_verified must be true or false")),
            (8, Ok(row("e@x", "h5"))),
        ];
        assert_eq!(found, expected);
        let windows: &str = Box::leak(text.replace('\n', "\r\n").into_boxed_str());
        let lines: Vec<u64> = rows(Format::Csv, windows.as_bytes()).into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [2, 3, 4, 6, 8]);
        let found = rows(Format::Csv, b"email,password_hash\n\xff@x,h1\nb@x,h2\n");
        assert_eq!(found, [(2, malformed("email is not UTF-8")), (3, Ok(row("b@x", "h2")))]);
    }

    #[test]
    fn c11_a_table_without_the_right_columns_is_no_table() {
        for (text, problem) in [
            (&b""[..], "there is no column email"),
            (b"email\n", "there is no column password_hash"),
            (b"email,password_hash,colour\n", "the column \"colour\" is not known"),
            (b"email,password_hash,email\n", "the column email is there twice"),
        ] {
            let error = read(Format::Csv, text).err().unwrap();
            assert!(error.starts_with(problem), "{error}");
        }
    }

    #[test]
    fn c11_a_bad_json_line_has_its_line_and_loses_no_other() {
        let long: &'static str = Box::leak(
            format!("{}\n{{\"email\":\"c@x\",\"password_hash\":\"h3\"}}", "x".repeat(3 * MAX_ROW_BYTES))
                .into_boxed_str(),
        );
        let text = "{\"email\":\"a@x\",\"password_hash\":\"h1\",\"email_verified\":true}\r\n\n[]\n{\"colour\":1}\n";
        let text: &'static str = Box::leak(format!("{text}{long}").into_boxed_str());
        let found = rows(Format::JsonLines, text.as_bytes());
        let lines: Vec<u64> = found.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 3, 4, 5, 6]);
        assert_eq!(found[0].1, Ok(Row { email_verified: Some(true), ..row("a@x", "h1") }));
        assert!(
            matches!(&found[1].1, Err(RowError::Malformed(_))) && matches!(&found[2].1, Err(RowError::Malformed(_)))
        );
        assert_eq!(found[3].1, Err(RowError::TooLong));
        assert_eq!(found[4].1, Ok(row("c@x", "h3")));
    }

    #[test]
    fn c11_an_open_quotation_mark_does_not_fill_the_memory() {
        let text = format!("email,password_hash\na@x,h1\n\"b@x,h2\n{}", "c@x,h3\n".repeat(100_000));
        let found = rows(Format::Csv, Box::leak(text.into_boxed_str()).as_bytes());
        assert_eq!(found.len(), 2);
        assert_eq!((found[1].0, &found[1].1), (3, &Err(RowError::TooLong)));
    }

    #[test]
    fn c11_the_name_of_a_file_tells_its_format() {
        let format = |name: &str| Format::of(Path::new(name));
        assert_eq!(format("people.CSV"), Some(Format::Csv));
        assert_eq!((format("a.jsonl"), format("a.ndjson")), (Some(Format::JsonLines), Some(Format::JsonLines)));
        assert_eq!((format("people"), format("people.txt")), (None, None));
    }
}

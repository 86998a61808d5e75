//! Rows of a CSV file (RFC 4180), whose first line names the columns.

use std::cell::RefCell;
use std::io::{self, Read};
use std::rc::Rc;

use csv::{ByteRecord, ErrorKind, ReaderBuilder};

use super::row::Row;
use super::rows::{MAX_ROW_BYTES, NumberedRow, RowError};

/// What the parser reads ahead.
const READ_AHEAD: usize = 8 * 1_024;

/// Reads the rows one by one; no more than one is in memory.
pub struct Table<R> {
    reader: csv::Reader<Rationed<R>>,
    ration: Rc<RefCell<Ration>>,
    columns: Vec<&'static str>,
    record: ByteRecord,
    is_over: bool,
}

impl<R: Read> Table<R> {
    /// Reads the names of the columns.
    pub fn new(input: R) -> Result<Self, String> {
        let ration = Rc::new(RefCell::new(Ration::default()));
        let input = Rationed { input, ration: Rc::clone(&ration) };
        let mut reader = ReaderBuilder::new().buffer_capacity(READ_AHEAD).from_reader(input);
        ration.borrow_mut().begin_row(0);
        let names = reader.byte_headers().map_err(|error| RowError::of(&error).to_string())?.clone();
        let columns =
            names.iter().enumerate().map(|(index, name)| column(index, name)).collect::<Result<Vec<_>, _>>()?;
        for (index, name) in columns.iter().enumerate() {
            if columns.iter().take(index).any(|earlier| earlier == name) {
                return Err(format!("the column {name} is there twice"));
            }
        }
        if let Some(missing) = ["email", "password_hash"].into_iter().find(|name| !columns.contains(name)) {
            return Err(format!("there is no column {missing}; the first line has to name the columns"));
        }
        Ok(Self { reader, ration, columns, record: ByteRecord::new(), is_over: false })
    }

    fn read(&mut self) -> Option<Result<Row, RowError>> {
        match self.reader.read_byte_record(&mut self.record) {
            Ok(true) => Some(self.row()),
            Ok(false) => None,
            Err(error) => {
                // Only a row with too many or too few columns leaves the parser where the next one begins.
                self.is_over = !matches!(error.kind(), ErrorKind::UnequalLengths { .. });
                Some(Err(RowError::of(&error)))
            }
        }
    }

    fn row(&self) -> Result<Row, RowError> {
        let mut row = Row::default();
        for (name, bytes) in self.columns.iter().zip(&self.record) {
            let Ok(text) = str::from_utf8(bytes) else {
                return Err(RowError::Malformed(format!("{name} is not UTF-8")));
            };
            let text = Some(text.to_owned());
            match *name {
                "email" => row.email = text,
                "username" => row.username = text,
                "full_name" => row.full_name = text,
                "password_hash" => row.password_hash = text,
                "created_at" => row.created_at = text,
                _ => row.email_verified = text.as_deref().map(parse_flag).transpose()?.flatten(),
            }
        }
        Ok(row)
    }
}

/// The name of a column; spreadsheets put a byte order mark before the first.
fn column(index: usize, name: &[u8]) -> Result<&'static str, String> {
    let name = String::from_utf8_lossy(name);
    let name = if index == 0 { name.trim_start_matches('\u{feff}') } else { &name };
    let known = Row::COLUMNS.into_iter().find(|known| known.eq_ignore_ascii_case(name.trim()));
    known.ok_or_else(|| format!("the column {name:?} is not known; there are {}", Row::COLUMNS.join(", ")))
}

/// Spreadsheets write capital letters.
fn parse_flag(text: &str) -> Result<Option<bool>, RowError> {
    match text.trim().to_ascii_lowercase().as_str() {
        "" => Ok(None),
        "true" | "1" => Ok(Some(true)),
        "false" | "0" => Ok(Some(false)),
        _ => Err(RowError::Malformed("email_verified must be true or false".to_owned())),
    }
}

impl RowError {
    fn of(error: &csv::Error) -> Self {
        match error.kind() {
            ErrorKind::UnequalLengths { expected_len, len, .. } => {
                Self::Malformed(format!("has {len} columns instead of {expected_len}"))
            }
            ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => Self::TooLong,
            _ => Self::Unreadable(error.to_string()),
        }
    }
}

impl<R: Read> Iterator for Table<R> {
    type Item = NumberedRow;

    fn next(&mut self) -> Option<NumberedRow> {
        if self.is_over {
            return None;
        }
        let start = self.reader.position().clone();
        self.ration.borrow_mut().begin_row(start.byte());
        let row = self.read()?;
        let line = start.line() + self.ration.borrow().empty_lines();
        Some(NumberedRow { line, row })
    }
}

/// Input of which only so much is read for one row: a quotation mark that is never closed would make the rest of the
/// file one row.
struct Rationed<R> {
    input: R,
    ration: Rc<RefCell<Ration>>,
}

/// What was read for the row at hand, and ahead.
#[derive(Default)]
struct Ration {
    /// Where the parser was before the row.
    start: u64,
    /// What was read from there on.
    bytes: Vec<u8>,
    left: usize,
}

impl Ration {
    fn begin_row(&mut self, start: u64) {
        let passed = usize::try_from(start - self.start).unwrap_or(usize::MAX).min(self.bytes.len());
        self.bytes.drain(..passed);
        self.start = start;
        self.left = MAX_ROW_BYTES + READ_AHEAD;
    }

    /// How many line breaks the parser passes over before the row: the rest of the last row's, and empty lines.
    fn empty_lines(&self) -> u64 {
        let breaks = self.bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
        breaks.map(|byte| u64::from(*byte == b'\n')).sum()
    }
}

impl<R: Read> Read for Rationed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        let mut ration = self.ration.borrow_mut();
        match ration.left.checked_sub(read) {
            Some(left) => ration.left = left,
            None => return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the row is too long")),
        }
        ration.bytes.extend(buffer.iter().take(read));
        Ok(read)
    }
}

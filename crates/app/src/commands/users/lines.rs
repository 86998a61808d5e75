//! Rows of a file of JSON lines (one object a line).

use std::io::{BufRead, Read as _};

use super::rows::{MAX_ROW_BYTES, NumberedRow, RowError};

/// Reads the rows one by one; no more than one is in memory.
pub struct JsonLines<R> {
    input: R,
    line: u64,
    /// Whether the end was reached, or nothing more can be read.
    is_over: bool,
}

impl<R: BufRead> JsonLines<R> {
    pub fn new(input: R) -> Self {
        Self { input, line: 0, is_over: false }
    }

    /// The next line without its break; what is beyond the limit is read over.
    fn next_line(&mut self) -> std::io::Result<Option<Result<Vec<u8>, RowError>>> {
        let mut bytes = Vec::new();
        let limit = u64::try_from(MAX_ROW_BYTES).unwrap_or(u64::MAX);
        let read = self.input.by_ref().take(limit + 1).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        self.line += 1;
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        } else if bytes.len() > MAX_ROW_BYTES {
            self.skip_line()?;
            return Ok(Some(Err(RowError::TooLong)));
        }
        Ok(Some(Ok(bytes)))
    }

    fn skip_line(&mut self) -> std::io::Result<()> {
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return Ok(());
            }
            let (length, is_end) = match buffer.iter().position(|byte| *byte == b'\n') {
                Some(index) => (index + 1, true),
                None => (buffer.len(), false),
            };
            self.input.consume(length);
            if is_end {
                return Ok(());
            }
        }
    }
}

impl<R: BufRead> Iterator for JsonLines<R> {
    type Item = NumberedRow;

    fn next(&mut self) -> Option<NumberedRow> {
        loop {
            if self.is_over {
                return None;
            }
            let row = match self.next_line() {
                Ok(None) => return None,
                Ok(Some(Ok(bytes))) if bytes.trim_ascii().is_empty() => continue,
                Ok(Some(Ok(bytes))) => {
                    serde_json::from_slice(&bytes).map_err(|error| RowError::Malformed(error.to_string()))
                }
                Ok(Some(Err(error))) => Err(error),
                Err(error) => {
                    self.is_over = true;
                    Err(RowError::Unreadable(error.to_string()))
                }
            };
            return Some(NumberedRow { line: self.line, row });
        }
    }
}

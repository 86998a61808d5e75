//! What is printed, and written as JSON.

use std::fmt;
use std::fs::File;
use std::io::{Write as _, stdout};
use std::path::Path;

use serde::Serialize;

use crate::error::Result;

/// What a ratio or a number should be.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    AtLeast(f64),
    AtMost(f64),
    /// For information.
    None,
}

/// A line of the table.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    pub database: &'static str,
    pub measure: String,
    /// What was measured, with its unit.
    pub measured: String,
    /// What it is compared with, with its unit.
    pub beside: String,
    /// The result: a ratio, or a number with the unit that `measure` names.
    pub result: f64,
    pub aim: Aim,
}

/// All lines, in the order in which they were measured.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    rows: Vec<Row>,
}

impl Aim {
    fn is_met(self, result: f64) -> bool {
        match self {
            Self::AtLeast(aim) => result >= aim,
            Self::AtMost(aim) => result <= aim,
            Self::None => true,
        }
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(aim) => write!(formatter, ">= {aim}"),
            Self::AtMost(aim) => write!(formatter, "<= {aim}"),
            Self::None => Ok(()),
        }
    }
}

impl Report {
    /// Adds a line, and shows on stderr that there is progress.
    pub fn add(&mut self, row: Row) {
        eprintln!("{:<10}  {}: {:.3}", row.database, row.measure, row.result);
        self.rows.push(row);
    }

    /// Prints the table.
    pub fn print(&self) -> Result<()> {
        let mut out = stdout().lock();
        let heading = ["database", "measure", "server", "beside", "result", "aim", ""].map(str::to_owned);
        let lines: Vec<[String; 7]> = std::iter::once(heading).chain(self.rows.iter().map(Row::cells)).collect();
        let widths: [usize; 7] = std::array::from_fn(|column| {
            lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or_default()
        });
        writeln!(out)?;
        for line in lines {
            let cells: Vec<String> = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            writeln!(out, "{}", cells.join("  ").trim_end())?;
        }
        Ok(())
    }

    /// Writes all of it to `path`.
    pub fn write(&self, path: &Path) -> Result<()> {
        Ok(serde_json::to_writer_pretty(File::create(path)?, self)?)
    }
}

impl Row {
    fn cells(&self) -> [String; 7] {
        [
            self.database.to_owned(),
            self.measure.clone(),
            self.measured.clone(),
            self.beside.clone(),
            format!("{:.3}", self.result),
            self.aim.to_string(),
            if self.aim.is_met(self.result) { String::new() } else { "missed".to_owned() },
        ]
    }
}

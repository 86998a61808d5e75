//! Measures the server beside bare actix-web handlers over the same rows, and prints how much of them is left.
//!
//! Every number is a ratio of two measurements of one run, taken in turns, so that neither the machine nor its mood
//! matters much. Nothing fails for being slow: the aims are printed beside the results.

mod arguments;
mod bare;
mod databases;
mod error;
mod load;
mod measures;
mod node;
mod process;
mod report;
mod statistics;
mod task;

use clap::Parser as _;

use crate::arguments::{Arguments, Mode};
use crate::error::Result;

fn main() -> Result<()> {
    match Arguments::parse().into_mode() {
        Mode::Bare(bare) => bare::serve(&bare),
        Mode::Measure(options) => measures::run(&options),
    }
}

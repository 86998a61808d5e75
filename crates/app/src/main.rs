//! The `tenantry` binary.

use std::process::ExitCode;

use clap::Parser;
use tenantry_app::{cli::Cli, commands};

fn main() -> ExitCode {
    commands::run(Cli::parse())
}

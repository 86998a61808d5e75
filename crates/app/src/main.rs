//! The `tenantry` binary.

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;
use tenantry_app::{cli::Cli, commands};

/// Serves SQLite's own allocations too. Lists are many small ones, which the C library's allocator is slow at.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    commands::run(Cli::parse())
}

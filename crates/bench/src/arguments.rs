//! The command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Measure the server beside bare handlers, on SQLite and PostgreSQL.
///
/// PostgreSQL is a throwaway server started from installed binaries, or the one of `TEST_DATABASE_URL` (a login that
/// may create databases and roles); without either only SQLite is measured.
#[derive(Debug, Parser)]
#[command(name = "tenantry-bench", args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    bare: Option<Command>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the bare handlers (the benchmark starts this itself)
    #[command(hide = true)]
    Bare(Bare),
}

/// What to measure.
#[derive(Debug, Args)]
pub struct Options {
    /// The `tenantry` binary; built with `cargo build --release` where not given
    #[arg(long, value_name = "PATH")]
    pub server: Option<PathBuf>,
    /// One database only
    #[arg(long, value_name = "DATABASE")]
    pub only: Option<Kind>,
    /// What to measure; everything but `large` by default
    #[arg(long, value_delimiter = ',', value_name = "PART")]
    pub parts: Vec<Part>,
    /// Also compare lists in 1,000,000 tasks with lists in 10,000 (fills two databases first)
    #[arg(long)]
    pub large: bool,
    /// Seconds that each side of a comparison is measured, all rounds together
    #[arg(long, default_value_t = 5.0, value_parser = positive)]
    seconds: f64,
    /// Rounds in which the two sides of a comparison take turns
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub rounds: u32,
    /// Connections that send requests
    #[arg(long, default_value = "64")]
    pub connections: NonZeroUsize,
    /// Pairs of failing logins whose times are compared
    #[arg(long, default_value_t = 500)]
    pub pairs: u32,
    /// The proxy of `LiteLLM`, to be measured beside readings
    #[arg(long, value_name = "PATH")]
    pub litellm: Option<PathBuf>,
    /// Also write the results as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// Where the bare handlers read and write.
#[derive(Debug, Args)]
pub struct Bare {
    /// Which database
    pub kind: Kind,
    /// The file, or the URL
    pub place: String,
}

/// A database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// A group of measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Requests a second beside bare handlers, and memory
    Requests,
    /// Refreshed sessions a second
    Refreshes,
    /// Ten times too many logins, and what they do to other requests
    Overload,
    /// Logins a second, and what they do to other requests
    Logins,
    /// The time of failing logins: unknown account and wrong password
    Timing,
    /// From the start of the process to the first answer
    Start,
    /// Background jobs a second, and how soon they start
    Jobs,
    /// What is added to answers of a provider, and the memory of many streams
    Readings,
    /// Lists in many tasks
    Large,
}

/// What the process is for.
pub enum Mode {
    Bare(Bare),
    Measure(Options),
}

impl Arguments {
    /// What the process is for.
    pub fn into_mode(self) -> Mode {
        match self.bare {
            Some(Command::Bare(bare)) => Mode::Bare(bare),
            None => Mode::Measure(self.options),
        }
    }
}

impl Options {
    /// Whether to measure `part`.
    pub fn wants(&self, part: Part) -> bool {
        let large = part == Part::Large;
        self.parts.contains(&part) || (large && self.large) || (!large && self.parts.is_empty())
    }

    /// How long each side of a comparison is measured.
    pub fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    /// How long each side is measured in one round.
    pub fn round(&self) -> Duration {
        self.duration() / self.rounds
    }
}

impl Kind {
    /// For tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }

    /// As on the command line.
    pub fn argument(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

fn positive(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if (0.1..=3_600.0).contains(&seconds) { Ok(seconds) } else { Err("must be between 0.1 and 3600".to_owned()) }
}

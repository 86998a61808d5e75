//! The command line. Wrong usage ends with code 2, which is clap's own.

use std::num::NonZero;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use uuid::Uuid;

/// A multi-tenant backend: accounts, organisations and tasks.
///
/// Settings come from config/default.toml (compiled in), config/{development,production}.toml and the environment.
/// Exit codes: 0 done, 1 failed, 2 wrong usage, 78 bad configuration.
#[derive(Debug, Parser)]
#[command(name = "tenantry", version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the HTTP API, and run background jobs in the same process (the default command)
    Serve(Serve),
    /// Run background jobs only
    Worker,
    /// Change or show the version of the database's schema
    #[command(subcommand)]
    Migrate(Migrate),
    /// Manage platform administrators
    #[command(subcommand)]
    Admin(Admin),
    /// Look after the audit log
    #[command(subcommand)]
    Audit(Audit),
    /// Manage accounts
    #[command(subcommand)]
    Users(Users),
    /// Look after what readings cost
    #[command(subcommand)]
    Readings(Readings),
    /// Manage the keys of access tokens (`auth.algorithm = "EdDSA"`)
    #[command(subcommand)]
    Keys(Keys),
    /// Send a folder of this machine to a project, what the store has already excepted
    ///
    /// The key of a program that may write (`sync:write`) is read from `TENANTRY_API_KEY`, or from the file that
    /// `TENANTRY_API_KEY_FILE` or --api-key-file names. Links, and files that may hold secrets, are left out, as the server
    /// does. Nothing is deleted. What was broken off goes on where it was when it is run again.
    ///
    /// Exit codes: 0 all is there, 1 a file failed or the server refuses, 2 wrong usage, 78 no key or a bad URL, 130
    /// stopped by a signal before all was there (--watch: 0 when it is stopped while it waits).
    #[command(verbatim_doc_comment)]
    Push(Box<Push>),
    /// Fill the database with a believable organisation
    Demo,
    /// Print the OpenAPI document
    Openapi,
    /// Look at the settings
    #[command(subcommand)]
    Config(Config),
}

#[derive(Debug, Default, Args)]
pub struct Serve {
    /// Leave background jobs to `tenantry worker`
    #[arg(long)]
    pub no_worker: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum Migrate {
    /// Apply missing steps
    Up {
        /// How many; all by default
        #[arg(value_parser = clap::value_parser!(u32).range(1..))]
        steps: Option<u32>,
    },
    /// Undo steps, with what their tables hold
    Down {
        /// How many
        #[arg(default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
        steps: u32,
    },
    /// List all steps and whether they are applied
    Status,
    /// Drop everything in the database and apply all steps
    Fresh {
        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum Admin {
    /// Create a platform administrator; prints a one-time password unless one is given
    Create(CreateAdmin),
}

#[derive(Debug, Args)]
pub struct CreateAdmin {
    #[arg(long)]
    pub email: String,
    /// Made from the e-mail address where absent
    #[arg(long)]
    pub username: Option<String>,
    /// Read the password from standard input
    #[arg(long)]
    pub password_stdin: bool,
}

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Compare the audit log with its hash chains; prints where each chain ends, to be kept elsewhere
    Verify(VerifyAudit),
}

#[derive(Debug, Args)]
pub struct VerifyAudit {
    /// A file of ends that were printed before, which the chains must continue
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Users {
    /// Make accounts from a file (.csv with a line of names, or .jsonl), each with an organisation of its own
    ///
    /// Columns: `email`, `password_hash` (bcrypt, or argon2id in PHC form); optional: `username`, `full_name`,
    /// `email_verified`, `created_at`. A row whose e-mail address has an account is skipped, so that the same file can be
    /// imported again; a bad one is told with its line and loses no other.
    Import(ImportUsers),
}

#[derive(Debug, Args)]
pub struct ImportUsers {
    pub file: PathBuf,
    /// Say what would become of each row, and keep nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub enum Readings {
    /// Compare the sums that budgets are counted by with the ledger; prints those that differ, a line each
    Reconcile(ReconcileReadings),
}

#[derive(Debug, Clone, Copy, Args)]
pub struct ReconcileReadings {
    /// Set them right
    #[arg(long)]
    pub mend: bool,
}

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// List them: next (published, not used yet), active (signs), retired (verifies)
    List,
    /// Let the next key sign from now on
    Rotate,
    /// Take a key away at once, in an emergency; tokens that it signed are refused, and clients refresh
    Revoke {
        /// The key, as `tenantry keys list` names it
        #[arg(allow_hyphen_values = true)]
        kid: String,
    },
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Push {
    /// The folder
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// The project whose files they become
    #[arg(long, value_name = "ID")]
    pub project: Uuid,
    /// Where the server is, such as `https://tenantry.example.com` [env: `TENANTRY_SERVER`]
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// A file that holds the API key, in place of `TENANTRY_API_KEY`
    #[arg(long, value_name = "PATH")]
    pub api_key_file: Option<PathBuf>,
    /// The cycle that they belong to
    #[arg(long, value_name = "ID")]
    pub cycle: Option<Uuid>,
    /// What their keys begin with, below the project's own prefix
    #[arg(long, value_name = "P")]
    pub prefix: Option<String>,
    /// Send only what this pattern matches, written as in a .gitignore file; repeatable
    #[arg(long, value_name = "GLOB")]
    pub include: Vec<String>,
    /// Leave out what this pattern matches; repeatable
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Files and parts that are sent at once, at most
    #[arg(long, value_name = "N", default_value = "16", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: u16,
    /// How often a file is tried again
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u16).range(..=100))]
    pub retries: u16,
    /// KiB sent a second, at most
    #[arg(long, value_name = "KIB")]
    pub bandwidth: Option<NonZero<u32>>,
    /// Only count what is there; the server is not asked
    #[arg(long, conflicts_with = "watch")]
    pub dry_run: bool,
    /// Go on until stopped: push again whenever something changes
    #[arg(long)]
    pub watch: bool,
    /// Write what happens to stdout, as one JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Tell people only what failed
    #[arg(long)]
    pub quiet: bool,
}

#[derive(Debug, Subcommand)]
pub enum Config {
    /// Check all settings and print them, with their sources and without secrets
    Check,
}

impl Cli {
    /// What is to be done: `serve`, unless told otherwise.
    #[must_use]
    pub fn into_command(self) -> Command {
        self.command.unwrap_or_else(|| Command::Serve(Serve::default()))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn command(arguments: &[&str]) -> Command {
        let arguments = std::iter::once("tenantry").chain(arguments.iter().copied());
        Cli::try_parse_from(arguments).unwrap().into_command()
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serve_is_the_default() {
        assert!(matches!(command(&[]), Command::Serve(Serve { no_worker: false })));
        assert!(matches!(command(&["serve", "--no-worker"]), Command::Serve(Serve { no_worker: true })));
    }

    #[test]
    fn up_means_all_and_down_means_one() {
        assert!(matches!(command(&["migrate", "up"]), Command::Migrate(Migrate::Up { steps: None })));
        assert!(matches!(command(&["migrate", "up", "2"]), Command::Migrate(Migrate::Up { steps: Some(2) })));
        assert!(matches!(command(&["migrate", "down"]), Command::Migrate(Migrate::Down { steps: 1 })));
        assert!(Cli::try_parse_from(["tenantry", "migrate", "down", "0"]).is_err());
    }
}

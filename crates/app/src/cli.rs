//! The command line. Wrong usage ends with code 2, which is clap's own.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

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
    /// Manage the keys of access tokens (`auth.algorithm = "EdDSA"`)
    #[command(subcommand)]
    Keys(Keys),
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

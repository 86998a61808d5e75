//! What each command does. A command takes the settings, says what it has to say on stdout, and logs to stderr.

mod admin;
mod audit;
mod config;
mod demo;
mod keys;
mod migrate;
mod openapi;
mod push;
mod readings;
mod serve;
pub mod users;
mod worker;

use std::process::ExitCode;

use crate::cli::{Admin, Audit, Cli, Command, Config, Readings, Users};
use crate::failure::Failure;
use crate::logging;
use crate::settings::Settings;

/// Runs the command and turns its outcome into an exit code. A failure is told on stderr, in one place.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    match dispatch(cli.into_command()) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("tenantry: {}", failure.report());
            failure.exit_code()
        }
    }
}

fn dispatch(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Push(arguments) => return push::run(*arguments),
        Command::Config(Config::Check) => config::check(&Settings::load()?),
        Command::Migrate(what) => in_runtime(async |settings| migrate::run(what, &settings).await),
        Command::Serve(arguments) => in_runtime(async |settings| serve::run(settings, arguments).await),
        Command::Worker => in_runtime(worker::run),
        Command::Admin(Admin::Create(arguments)) => {
            in_runtime(async |settings| admin::create(settings, arguments).await)
        }
        Command::Audit(Audit::Verify(arguments)) => {
            in_runtime(async |settings| audit::verify(settings, arguments).await)
        }
        Command::Users(Users::Import(arguments)) => {
            in_runtime(async |settings| users::import(settings, arguments).await)
        }
        Command::Readings(Readings::Reconcile(arguments)) => {
            in_runtime(async |settings| readings::reconcile(settings, arguments).await)
        }
        Command::Keys(what) => in_runtime(async |settings| keys::run(settings, what).await),
        Command::Demo => in_runtime(demo::run),
        Command::Openapi => openapi::print(),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Loads the settings, starts the log, and runs `command` on tokio.
fn in_runtime(command: impl AsyncFnOnce(Settings) -> Result<(), Failure>) -> Result<(), Failure> {
    let settings = Settings::load()?;
    logging::start(&settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::because)?;
    runtime.block_on(command(settings))
}

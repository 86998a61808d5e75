use std::io::{IsTerminal as _, Write as _, stdin, stdout};

use tenantry_migrations::Step;

use crate::cli::Migrate;
use crate::failure::Failure;
use crate::schema::{Change, Schema};
use crate::settings::Settings;

/// Runs `tenantry migrate …`, and lists the steps afterwards.
pub(super) async fn run(what: Migrate, settings: &Settings) -> Result<(), Failure> {
    if let Migrate::Fresh { yes: false } = what {
        confirm_fresh(settings)?;
    }
    settings.create_folders()?;
    let schema = Schema::open(settings)?;
    let outcome = match what {
        Migrate::Up { steps } => schema.change(Change::Up(steps)).await,
        Migrate::Down { steps } => schema.change(Change::Down(steps)).await,
        Migrate::Fresh { .. } => schema.change(Change::Fresh).await,
        Migrate::Status => Ok(()),
    };
    let steps = schema.steps().await;
    schema.close().await;
    outcome?;
    print(&steps?).map_err(Failure::because)
}

fn confirm_fresh(settings: &Settings) -> Result<(), Failure> {
    let url = settings.migration_url();
    if !stdin().is_terminal() {
        return Err(Failure::because(format!("`migrate fresh` drops everything in {url:?}; confirm with --yes")));
    }
    print!("This drops everything in {url:?}. Type `yes` to go on: ");
    let mut answer = String::new();
    stdout().flush().and_then(|()| stdin().read_line(&mut answer)).map_err(Failure::because)?;
    if answer.trim() == "yes" { Ok(()) } else { Err(Failure::because("nothing was changed")) }
}

fn print(steps: &[Step]) -> std::io::Result<()> {
    let mut out = stdout().lock();
    for step in steps {
        writeln!(out, "{} {}", if step.applied { "applied" } else { "missing" }, step.name)?;
    }
    out.flush()
}

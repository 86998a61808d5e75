use std::io::{IsTerminal as _, Write as _, stdin, stdout};

use tenantry_jobs::QueueDatabase;
use tenantry_migrations::{Step, roles::ensure_roles};
use tenantry_store::{Database, SqlPool, StoreOptions};

use super::Failure;
use crate::cli::Migrate;
use crate::settings::Settings;

/// Runs `tenantry migrate …` as the login that owns the tables.
pub(super) async fn run(what: Migrate, settings: &Settings) -> Result<(), Failure> {
    if let Migrate::Fresh { yes: false } = what {
        confirm_fresh(settings)?;
    }
    settings.create_folders()?;
    let migrator = connect(settings)?;
    let outcome = change(&migrator, what).await;
    let steps = tenantry_migrations::status(&migrator.connection()).await.map_err(Failure::because);
    migrator.close().await;
    outcome?;
    print(&steps?).map_err(Failure::because)
}

/// Brings the schema up to date, as `serve` and `worker` do when they start.
pub(crate) async fn up(settings: &Settings) -> Result<(), Failure> {
    let migrator = connect(settings)?;
    let outcome = change(&migrator, Migrate::Up { steps: None }).await;
    migrator.close().await;
    outcome
}

fn connect(settings: &Settings) -> Result<SqlPool, Failure> {
    let options = StoreOptions { url: settings.migration_url(), ..settings.store_options() };
    Database::migrator_pool(&options).map_err(Failure::configuration)
}

async fn change(migrator: &SqlPool, what: Migrate) -> Result<(), Failure> {
    let connection = migrator.connection();
    if what != Migrate::Status {
        ensure_roles(&connection).await.map_err(Failure::because)?;
    }
    match what {
        Migrate::Up { steps } => tenantry_migrations::up(&connection, steps).await,
        Migrate::Down { steps } => tenantry_migrations::down(&connection, Some(steps)).await,
        Migrate::Status => Ok(()),
        Migrate::Fresh { .. } => tenantry_migrations::fresh(&connection).await,
    }
    .map_err(Failure::because)?;
    match what {
        // The job queue's tables come and go as a whole: they are there once any step is.
        Migrate::Up { .. } | Migrate::Fresh { .. } => {
            tenantry_jobs::migrate(&queue(migrator)).await.map_err(Failure::because)
        }
        Migrate::Down { .. } | Migrate::Status => Ok(()),
    }
}

fn queue(migrator: &SqlPool) -> QueueDatabase {
    match migrator {
        SqlPool::Postgres(pool) => QueueDatabase::Postgres(pool.clone()),
        SqlPool::Sqlite(pool) => QueueDatabase::Sqlite(pool.clone()),
    }
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

//! The version of the database's schema, changed as the login that owns the tables.

use tenantry_migrations::Step;
use tenantry_migrations::roles::ensure_roles;
use tenantry_store::{Database, SqlPool, StoreOptions};

use crate::failure::Failure;
use crate::settings::Settings;

/// How to change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Apply the next steps, or all that are missing.
    Up(Option<u32>),
    /// Undo the last steps, with what their tables hold.
    Down(u32),
    /// Drop everything and apply all steps.
    Fresh,
}

/// The owner's connection.
pub struct Schema(SqlPool);

impl Schema {
    /// Prepares the connection; it is made when it is first needed.
    pub fn open(settings: &Settings) -> Result<Self, Failure> {
        let options = StoreOptions { url: settings.migration_url(), ..settings.store_options() };
        Database::migrator_pool(&options).map(Self).map_err(Failure::configuration)
    }

    /// Every step, in order, and whether it was applied.
    pub async fn steps(&self) -> Result<Vec<Step>, Failure> {
        tenantry_migrations::status(&self.0.connection()).await.map_err(Failure::because)
    }

    /// Changes the schema, and sees to it that the roles are there.
    pub async fn change(&self, change: Change) -> Result<(), Failure> {
        let connection = self.0.connection();
        ensure_roles(&connection).await.map_err(Failure::because)?;
        match change {
            Change::Up(steps) => tenantry_migrations::up(&connection, steps).await,
            Change::Down(steps) => tenantry_migrations::down(&connection, Some(steps)).await,
            Change::Fresh => tenantry_migrations::fresh(&connection).await,
        }
        .map_err(Failure::because)
    }

    /// Closes the connection.
    pub async fn close(self) {
        self.0.close().await;
    }
}

/// Brings the schema up to date.
pub async fn up(settings: &Settings) -> Result<(), Failure> {
    let schema = Schema::open(settings)?;
    let outcome = schema.change(Change::Up(None)).await;
    schema.close().await;
    outcome
}

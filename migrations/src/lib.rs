//! The schema of Tenantry on SQLite and PostgreSQL, one file a step, each step up and down.
//!
//! - [`up`], [`down`], [`status`], [`fresh`]: run the steps, in one transaction under a lock where the database can.
//! - [`roles`]: the PostgreSQL roles that the policies name; they outlive every step.
//!
//! On PostgreSQL the connection's login owns the tables. It needs no superuser rights and never inherits the rights
//! of the roles it grants to: see [`roles::ensure_roles`].

use sea_orm_migration::prelude::*;

mod m20261121_000001_identity;
mod m20261121_000002_tenancy;
mod m20261121_000003_tasks;
mod m20261121_000004_idempotency;
mod policies;
pub mod roles;
mod run;
mod sql;

pub use run::{Step, down, fresh, status, up};

/// Every step, in order.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261121_000001_identity::Migration),
            Box::new(m20261121_000002_tenancy::Migration),
            Box::new(m20261121_000003_tasks::Migration),
            Box::new(m20261121_000004_idempotency::Migration),
        ]
    }
}

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
mod m20261121_000005_audit;
mod m20261121_000006_mail;
mod m20261121_000007_guesses;
mod m20261121_000008_factors;
mod m20261121_000009_signing_keys;
mod m20261121_000010_members;
mod m20261121_000012_organizations;
mod m20261121_000013_links;
mod m20261121_000014_invitations;
mod m20261121_000015_api_keys;
mod m20261121_000016_platform;
mod m20261121_000017_sync;
mod m20261122_000018_jobs;
mod m20261122_000019_readings;
mod m20261122_000020_run_revision;
mod m20261122_000021_ended_runs;
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
            Box::new(m20261121_000005_audit::Migration),
            Box::new(m20261121_000006_mail::Migration),
            Box::new(m20261121_000007_guesses::Migration),
            Box::new(m20261121_000008_factors::Migration),
            Box::new(m20261121_000009_signing_keys::Migration),
            Box::new(m20261121_000010_members::Migration),
            Box::new(m20261121_000012_organizations::Migration),
            Box::new(m20261121_000013_links::Migration),
            Box::new(m20261121_000014_invitations::Migration),
            Box::new(m20261121_000015_api_keys::Migration),
            Box::new(m20261121_000016_platform::Migration),
            Box::new(m20261121_000017_sync::Migration),
            Box::new(m20261122_000018_jobs::Migration),
            Box::new(m20261122_000019_readings::Migration),
            Box::new(m20261122_000020_run_revision::Migration),
            Box::new(m20261122_000021_ended_runs::Migration),
        ]
    }
}

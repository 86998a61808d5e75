use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, Statement, TransactionTrait,
};
use sea_orm_migration::{Migration, MigrationStatus};

use crate::Migrator;

/// Two nodes that start at once migrate one after the other: this number, of no other meaning, is their lock.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7236837412094)";

/// One step and whether the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The file's name, which starts with its date.
    pub name: String,
    /// Whether it was applied.
    pub applied: bool,
}

/// Applies the next `steps` steps, or all that are missing, all or none of them.
///
/// On PostgreSQL call [`crate::roles::ensure_roles`] before.
pub async fn up(connection: &DatabaseConnection, steps: Option<u32>) -> Result<(), DbErr> {
    let transaction = begin(connection).await?;
    Migrator::up(&transaction, steps).await?;
    transaction.commit().await
}

/// Undoes the last `steps` steps, or all of them, and with them what their tables hold.
pub async fn down(connection: &DatabaseConnection, steps: Option<u32>) -> Result<(), DbErr> {
    let transaction = begin(connection).await?;
    Migrator::down(&transaction, steps).await?;
    transaction.commit().await
}

/// Every step, in order, with or without it applied. Changes nothing, and needs no right to.
pub async fn status(connection: &DatabaseConnection) -> Result<Vec<Step>, DbErr> {
    let steps = Migrator::get_migration_with_status_read_only(connection).await?;
    let step = |migration: &Migration| Step {
        name: migration.name().to_owned(),
        applied: migration.status() == MigrationStatus::Applied,
    };
    Ok(steps.iter().map(step).collect())
}

/// Drops everything, whoever made it, and applies all steps.
pub async fn fresh(connection: &DatabaseConnection) -> Result<(), DbErr> {
    if connection.get_database_backend() != DbBackend::Postgres {
        // Foreign keys can't be switched off within a transaction there.
        return Migrator::fresh(connection).await;
    }
    let transaction = begin(connection).await?;
    drop_functions(&transaction).await?;
    Migrator::fresh(&transaction).await?;
    transaction.commit().await
}

async fn begin(connection: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let transaction = connection.begin().await?;
    if connection.get_database_backend() == DbBackend::Postgres {
        transaction.execute_unprepared(LOCK).await?;
    }
    Ok(transaction)
}

/// Drops what the migrator's own `fresh` leaves: our functions.
async fn drop_functions(transaction: &DatabaseTransaction) -> Result<(), DbErr> {
    let functions = Statement::from_string(
        DbBackend::Postgres,
        "SELECT format('DROP FUNCTION %s CASCADE', p.oid::regprocedure) AS command FROM pg_catalog.pg_proc p
         WHERE p.pronamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = current_schema()) AND starts_with(p.proname, 'tenantry_')",
    );
    for row in transaction.query_all_raw(functions).await? {
        transaction.execute_unprepared(&row.try_get::<String>("", "command")?).await?;
    }
    Ok(())
}

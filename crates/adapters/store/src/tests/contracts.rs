//! The contracts of the ports, kept on both databases.

use std::sync::Arc;

use tenantry_testkit::contracts::{
    ACCOUNTS, ADVISORS, ANSWERS, API_KEYS, AUDIT, ERASURE, FACTORS, FOREIGN_ROWS, GUESSES, INVITATIONS, JOB_CARE, JOBS,
    LINKS, MEMBERS, OUTBOX, READING_LEDGER, READING_LOG, READINGS, REQUESTS, RESERVATIONS, SIGNING_KEYS, SYNC_FILES,
    SYNC_RUNS, SYNC_SESSIONS, TASKS, TENANCY, TaskSubject,
};
use tenantry_testkit::{StorePorts, World, run};

use super::fixture::{TestStore, postgres, sqlite};

/// The store as a world of its own; it lasts as long as the test process.
pub fn world(store: TestStore) -> &'static World {
    let ports = StorePorts::of(&Arc::new(store.database.clone()));
    Box::leak(Box::new(store));
    Box::leak(Box::new(World::new(ports)))
}

pub fn tasks(world: &'static World) -> &'static TaskSubject {
    Box::leak(Box::new(TaskSubject { store: world.ports.tasks.clone(), world: Box::new(world) }))
}

macro_rules! kept {
    ($($name:ident: $contract:expr, $subject:expr;)+) => {$(
        mod $name {
            use super::*;

            #[tokio::test]
            async fn on_sqlite() {
                run($contract, $subject(world(sqlite().await))).await;
            }

            #[tokio::test]
            async fn on_postgresql() {
                let Some(store) = postgres().await else { return };
                let database = store.database.clone();
                run($contract, $subject(world(store))).await;
                // The server has a hundred connections for all of these.
                database.close().await;
            }
        }
    )+};
}

kept! {
    the_contract_of_accounts: ACCOUNTS, std::convert::identity;
    the_contract_of_api_keys: API_KEYS, std::convert::identity;
    the_contract_of_the_audit_log: AUDIT, std::convert::identity;
    the_contract_of_erasure: ERASURE, std::convert::identity;
    the_contract_of_second_factors: FACTORS, std::convert::identity;
    the_contract_of_invitations: INVITATIONS, std::convert::identity;
    the_contract_of_jobs: JOBS, std::convert::identity;
    the_contract_of_looking_after_jobs: JOB_CARE, std::convert::identity;
    the_contract_of_mailed_links: LINKS, std::convert::identity;
    the_contract_of_members: MEMBERS, std::convert::identity;
    the_contract_of_the_outbox: OUTBOX, std::convert::identity;
    the_contract_of_tenancy: TENANCY, std::convert::identity;
    the_contract_of_tasks: TASKS, tasks;
    the_contract_of_requests: REQUESTS, std::convert::identity;
    the_contract_of_guesses: GUESSES, std::convert::identity;
    the_contract_of_signing_keys: SIGNING_KEYS, std::convert::identity;
    the_contract_of_advisors: ADVISORS, std::convert::identity;
    the_contract_of_answers: ANSWERS, std::convert::identity;
    the_contract_of_readings: READINGS, std::convert::identity;
    the_contract_of_the_ledger_of_readings: READING_LEDGER, std::convert::identity;
    the_contract_of_the_log_of_readings: READING_LOG, std::convert::identity;
    the_contract_of_reservations: RESERVATIONS, std::convert::identity;
    the_contract_of_files: SYNC_FILES, std::convert::identity;
    the_contract_of_runs: SYNC_RUNS, std::convert::identity;
    the_contract_of_sync_sessions: SYNC_SESSIONS, std::convert::identity;
    the_contract_of_foreign_rows: FOREIGN_ROWS, std::convert::identity;
}

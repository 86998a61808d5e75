//! Background jobs.

use sea_orm_migration::prelude::*;

use crate::policies::{ORGANIZATION, enable, grant, restrict};
use crate::sql::Script;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// The platform's own jobs are those of the organisation whose id is nothing but zeros, which no request acts for.
/// Leases and waits are in milliseconds since 1970 by the database's clock, so that workers need not agree on the time.
/// A job whose time has not come is `delayed`, so that those who look for work don't meet it.
const UP: &str = "
CREATE TABLE jobs (
    id {uuid} NOT NULL PRIMARY KEY,
    organization_id {uuid} NOT NULL,
    user_id {uuid},
    queue TEXT NOT NULL,
    kind TEXT NOT NULL,
    payload {json} NOT NULL,
    priority {small} NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('queued', 'delayed', 'started', 'finished', 'failed', 'cancelled')),
    unique_key TEXT,
    keeps_key {bool} NOT NULL,
    attempts {int} NOT NULL,
    max_attempts {int} NOT NULL,
    crashes {int} NOT NULL,
    cancel_requested {bool} NOT NULL,
    run_after_ms {int} NOT NULL,
    lease_owner TEXT,
    lease_epoch {int} NOT NULL,
    lease_until_ms {int},
    last_error TEXT,
    created_at {time} NOT NULL,
    started_at {time},
    finished_at {time}
) {strict};
CREATE INDEX jobs_queued ON jobs (queue, organization_id, priority DESC, id) WHERE state = 'queued';
CREATE INDEX jobs_delayed ON jobs (run_after_ms) WHERE state = 'delayed';
CREATE INDEX jobs_started ON jobs (queue, organization_id, lease_until_ms) WHERE state = 'started';
CREATE INDEX jobs_ended ON jobs (state, finished_at) WHERE finished_at IS NOT NULL;
CREATE UNIQUE INDEX jobs_unique ON jobs (organization_id, kind, unique_key) WHERE unique_key IS NOT NULL;
";

const DOWN: &str = "DROP TABLE jobs;";

/// Rows live for a moment and change twice, so that dead ones are swept up early and often.
const VACUUM: &str = "ALTER TABLE jobs SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);\n";

fn policies() -> String {
    [
        enable("jobs"),
        restrict("jobs", &format!("organization_id = {ORGANIZATION}")),
        grant("jobs", "SELECT, INSERT, UPDATE"),
        VACUUM.to_owned(),
    ]
    .concat()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Script { both: UP, postgres: policies(), ..Script::default() }.run(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Script { both: DOWN, ..Script::default() }.run(manager).await
    }
}

//! Sync: cycles, sync sessions, their runs, and what is known of files and objects.

use sea_orm_migration::prelude::*;

use crate::policies::{ORGANIZATION, enable, grant, restrict};
use crate::sql::Script;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Leases are in milliseconds since 1970 by the database's clock, so that workers need not agree on the time.
///
/// `sync_files` is both the list of what is to be done and the index of what the object store holds: one row for each
/// key of a place (a number made of its name). It outlives sessions, as the objects do. A file came of a session, or of
/// the run that is a direct upload.
const UP: &str = "
CREATE TABLE cycles (
    organization_id {uuid} NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id {uuid} NOT NULL,
    project_id {uuid} NOT NULL,
    cycle_name TEXT NOT NULL,
    cycle_number {int} NOT NULL CHECK (cycle_number >= 1),
    s3_prefix TEXT,
    status TEXT NOT NULL CHECK (status IN ('planned', 'active', 'completed', 'archived')),
    description TEXT,
    metadata {json} NOT NULL,
    started_at {time},
    completed_at {time},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    revision {int} NOT NULL,
    PRIMARY KEY (organization_id, id),
    CONSTRAINT cycles_organization_id_project_id_cycle_number UNIQUE (organization_id, project_id, cycle_number),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id)
) {strict};
CREATE INDEX cycles_by_creation ON cycles (organization_id, created_at, id);

CREATE TABLE sync_sessions (
    organization_id {uuid} NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id {uuid} NOT NULL,
    user_id {uuid} NOT NULL REFERENCES users (id),
    project_id {uuid} NOT NULL,
    cycle_id {uuid},
    local_directory TEXT NOT NULL,
    s3_prefix TEXT,
    aws_profile TEXT,
    max_workers {small} NOT NULL,
    times_to_retry {small} NOT NULL,
    use_find {bool} NOT NULL,
    include {json} NOT NULL,
    exclude {json} NOT NULL,
    compare_by TEXT NOT NULL CHECK (compare_by IN ('size_and_time', 'checksum')),
    delete_extraneous {bool} NOT NULL,
    schedule TEXT,
    next_run_at {time},
    last_run_id {uuid},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    revision {int} NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id),
    FOREIGN KEY (organization_id, cycle_id) REFERENCES cycles (organization_id, id)
) {strict};
CREATE INDEX sync_sessions_by_creation ON sync_sessions (organization_id, created_at, id);
CREATE INDEX sync_sessions_by_project ON sync_sessions (organization_id, project_id, created_at, id);
CREATE INDEX sync_sessions_by_cycle ON sync_sessions (organization_id, cycle_id) WHERE cycle_id IS NOT NULL;
CREATE INDEX sync_sessions_due ON sync_sessions (next_run_at) WHERE next_run_at IS NOT NULL;

CREATE TABLE sync_runs (
    organization_id {uuid} NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id {uuid} NOT NULL,
    user_id {uuid} NOT NULL REFERENCES users (id),
    session_id {uuid},
    project_id {uuid} NOT NULL,
    cycle_id {uuid},
    mode TEXT NOT NULL CHECK (mode IN ('full', 'dry_run', 'failed_files', 'direct')),
    bucket TEXT,
    profile TEXT,
    prefix TEXT NOT NULL,
    confirmed_deletions {int} NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'started', 'finished', 'failed', 'cancelled')),
    is_scanned {bool} NOT NULL,
    cancel_requested {bool} NOT NULL,
    total_files {int} NOT NULL,
    files_uploaded {int} NOT NULL,
    files_skipped {int} NOT NULL,
    files_failed {int} NOT NULL,
    files_deleted {int} NOT NULL,
    total_bytes {int} NOT NULL,
    bytes_uploaded {int} NOT NULL,
    bytes_per_second {int},
    files_per_second {int},
    error TEXT,
    warnings {json} NOT NULL,
    warning_count {int} NOT NULL,
    crashes {small} NOT NULL,
    run_after_ms {int} NOT NULL,
    lease_owner TEXT,
    lease_epoch {int} NOT NULL,
    lease_advance {int} NOT NULL,
    lease_until_ms {int},
    created_at {time} NOT NULL,
    started_at {time},
    finished_at {time},
    updated_at {time} NOT NULL,
    PRIMARY KEY (organization_id, id),
    CHECK ((session_id IS NULL) = (mode = 'direct')),
    FOREIGN KEY (organization_id, session_id) REFERENCES sync_sessions (organization_id, id) ON DELETE CASCADE
) {strict};
CREATE UNIQUE INDEX sync_runs_active ON sync_runs (organization_id, session_id) WHERE state IN ('queued', 'started');
CREATE INDEX sync_runs_by_session ON sync_runs (organization_id, session_id, id);
CREATE INDEX sync_runs_queued ON sync_runs (organization_id, id) WHERE state = 'queued';
CREATE INDEX sync_runs_leased ON sync_runs (lease_until_ms) WHERE state = 'started';

CREATE TABLE sync_turns (
    organization_id {uuid} NOT NULL PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    waiting {bool} NOT NULL,
    last_turn {int} NOT NULL
) {strict};
CREATE INDEX sync_turns_waiting ON sync_turns (last_turn, organization_id) WHERE waiting;

CREATE TABLE sync_files (
    organization_id {uuid} NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    place {int} NOT NULL,
    key TEXT {bytewise} NOT NULL,
    id {uuid} NOT NULL,
    source_id {uuid} NOT NULL,
    run_id {uuid} NOT NULL,
    path {bytes} NOT NULL,
    device {int} NOT NULL,
    inode {int} NOT NULL,
    size {int} NOT NULL,
    mtime_ns {int} NOT NULL,
    ctime_ns {int} NOT NULL,
    state TEXT {bytewise} NOT NULL CHECK (state IN ('pending', 'uploaded', 'failed')),
    attempts {small} NOT NULL,
    upload_id TEXT,
    part_size {int},
    checksum {int},
    etag TEXT,
    declared_checksum {int},
    error TEXT,
    uploaded_at {time},
    PRIMARY KEY (organization_id, place, key)
) {strict};
CREATE UNIQUE INDEX sync_files_by_id ON sync_files (organization_id, id);
CREATE UNIQUE INDEX sync_files_by_source ON sync_files (organization_id, source_id, state, id);
CREATE INDEX sync_files_in_parts ON sync_files (organization_id, place, key) WHERE upload_id IS NOT NULL;

CREATE TABLE sync_parts (
    organization_id {uuid} NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    file_id {uuid} NOT NULL,
    number {int} NOT NULL,
    size {int} NOT NULL,
    checksum {int} NOT NULL,
    etag TEXT NOT NULL,
    PRIMARY KEY (organization_id, file_id, number)
) {strict};
";

const DOWN: &str = "
DROP TABLE sync_parts;
DROP TABLE sync_files;
DROP TABLE sync_turns;
DROP TABLE sync_runs;
DROP TABLE sync_sessions;
DROP TABLE cycles;
";

fn policies() -> String {
    ["cycles", "sync_sessions", "sync_runs", "sync_turns", "sync_files", "sync_parts"]
        .map(|table| {
            [
                enable(table),
                restrict(table, &format!("organization_id = {ORGANIZATION}")),
                grant(table, "SELECT, INSERT, UPDATE, DELETE"),
            ]
            .concat()
        })
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

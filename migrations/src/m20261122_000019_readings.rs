//! Readings: what advisors were asked and answered, what that cost, and the advisors of organisations.

use sea_orm_migration::prelude::*;

use crate::policies::{ORGANIZATION, enable, grant, restrict};
use crate::sql::Script;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Money is in billionths of a US dollar. Days are text, `2026-11-22`, and so are months, `2026-11`: neither is a moment.
///
/// `reading_ledger` outlives the readings that it tells of, and has no names in it. `reading_sums` is what its rows come
/// to, for the organisation (a subject of zeros) and each of its members, by day and by month, so that a limit is looked up
/// and kept in one statement. Workers name readings by their ids alone.
const UP: &str = "
CREATE TABLE readings (
    organization_id {uuid} NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id {uuid} NOT NULL,
    user_id {uuid} NOT NULL REFERENCES users (id),
    advisor TEXT NOT NULL,
    question TEXT NOT NULL,
    question_digest {bytes} NOT NULL,
    response TEXT,
    citations {json} NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'streaming', 'completed', 'failed', 'cancelled')),
    failure TEXT CHECK (failure IN ('provider', 'timeout', 'interrupted', 'refused', 'cut_short')),
    provider TEXT,
    llm TEXT,
    prompt_tokens {int} NOT NULL CHECK (prompt_tokens >= 0),
    completion_tokens {int} NOT NULL CHECK (completion_tokens >= 0),
    cost {int} NOT NULL,
    is_estimated {bool} NOT NULL,
    stop_requested {bool} NOT NULL,
    heard_until {time},
    created_at {time} NOT NULL,
    deadline {time} NOT NULL,
    completed_at {time},
    over_at {int},
    revision {int} NOT NULL,
    PRIMARY KEY (organization_id, id),
    CHECK ((status IN ('pending', 'streaming')) = (completed_at IS NULL)),
    CHECK ((completed_at IS NULL) = (over_at IS NULL)),
    CHECK ((provider IS NULL) = (llm IS NULL))
) {strict};
CREATE UNIQUE INDEX readings_by_id ON readings (id);
CREATE INDEX readings_by_user ON readings (organization_id, user_id, created_at, id);
CREATE INDEX readings_by_question ON readings (organization_id, question_digest, created_at, id);
CREATE INDEX readings_open ON readings (deadline, id) WHERE completed_at IS NULL;
CREATE INDEX readings_of_user ON readings (user_id);

CREATE TABLE reading_chunks (
    organization_id {uuid} NOT NULL,
    reading_id {uuid} NOT NULL,
    sequence {int} NOT NULL CHECK (sequence >= 1),
    kind TEXT NOT NULL CHECK (kind IN ('text', 'citation')),
    body TEXT NOT NULL,
    PRIMARY KEY (organization_id, reading_id, sequence),
    FOREIGN KEY (organization_id, reading_id) REFERENCES readings (organization_id, id) ON DELETE CASCADE
) {strict};

CREATE TABLE reading_ledger (
    organization_id {uuid} NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    reading_id {uuid} NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('reserve', 'settle')),
    user_id {uuid} NOT NULL,
    advisor TEXT {bytewise} NOT NULL,
    provider TEXT {bytewise},
    llm TEXT {bytewise},
    day TEXT {bytewise} NOT NULL,
    amount {int} NOT NULL,
    computed {int} NOT NULL,
    prompt_tokens {int} NOT NULL CHECK (prompt_tokens >= 0),
    completion_tokens {int} NOT NULL CHECK (completion_tokens >= 0),
    price_from TEXT,
    is_estimated {bool} NOT NULL,
    created_at {time} NOT NULL,
    PRIMARY KEY (organization_id, reading_id, kind),
    CHECK ((provider IS NULL) = (llm IS NULL))
) {strict};
CREATE INDEX reading_ledger_by_day ON reading_ledger (organization_id, kind, day);
CREATE INDEX reading_ledger_by_user ON reading_ledger (organization_id, user_id, kind, day);

CREATE TABLE reading_sums (
    organization_id {uuid} NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    subject {uuid} NOT NULL,
    period TEXT {bytewise} NOT NULL,
    settled {int} NOT NULL,
    reserved {int} NOT NULL,
    PRIMARY KEY (organization_id, subject, period)
) {strict};

CREATE TABLE reading_budgets (
    organization_id {uuid} NOT NULL PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    monthly {int},
    daily {int},
    per_user_monthly {int},
    per_user_daily {int},
    updated_at {time} NOT NULL,
    revision {int} NOT NULL
) {strict};

CREATE TABLE advisors (
    organization_id {uuid} NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id TEXT {bytewise} NOT NULL,
    name TEXT {bytewise} NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    instructions TEXT NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    revision {int} NOT NULL,
    PRIMARY KEY (organization_id, id)
) {strict};
";

const DOWN: &str = "
DROP TABLE advisors;
DROP TABLE reading_budgets;
DROP TABLE reading_sums;
DROP TABLE reading_ledger;
DROP TABLE reading_chunks;
DROP TABLE readings;
";

/// What requests may do. Pieces and the ledger are only ever added to; pieces go with their reading.
const GRANTS: [(&str, &str); 6] = [
    ("readings", "SELECT, INSERT, UPDATE, DELETE"),
    ("reading_chunks", "SELECT, INSERT"),
    ("reading_ledger", "SELECT, INSERT"),
    ("reading_sums", "SELECT, INSERT, UPDATE"),
    ("reading_budgets", "SELECT, INSERT, UPDATE"),
    ("advisors", "SELECT, INSERT, UPDATE, DELETE"),
];

/// A reading changes twice, and the sums of a day with every reading, in place: neither changes what an index knows.
const FILL: &str = "
ALTER TABLE readings SET (fillfactor = 80);
ALTER TABLE reading_sums SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
";

fn policies() -> String {
    let of_table = |(table, commands)| {
        [enable(table), restrict(table, &format!("organization_id = {ORGANIZATION}")), grant(table, commands)].concat()
    };
    GRANTS.map(of_table).concat() + FILL
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

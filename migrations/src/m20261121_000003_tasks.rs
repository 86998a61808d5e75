//! Tasks.

use sea_orm_migration::prelude::*;

use crate::policies::{ORGANIZATION, enable, grant, restrict};
use crate::sql::Script;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// A task outlives the membership of the user who made it, so it refers to the user and not to the membership.
/// References are NO ACTION, because SQLite can't clear one column of a composite key: services clear them.
/// `search_text` is title and description in lower case, since SQLite itself can lower ASCII only.
const UP: &str = "
CREATE TABLE tasks (
    organization_id {uuid} NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id {uuid} NOT NULL,
    user_id {uuid} NOT NULL REFERENCES users (id),
    project_id {uuid},
    assignee_id {uuid} REFERENCES users (id),
    title TEXT {bytewise} NOT NULL,
    description TEXT,
    search_text TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('Pending', 'Completed')),
    priority {small} NOT NULL CHECK (priority BETWEEN 0 AND 4),
    due_at {time},
    labels {json} NOT NULL,
    completed_at {time},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    revision {int} NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id)
) {strict};
CREATE INDEX tasks_by_creation ON tasks (organization_id, created_at, id);
CREATE INDEX tasks_by_user ON tasks (organization_id, user_id, created_at, id);
CREATE INDEX tasks_by_assignee ON tasks (organization_id, assignee_id, created_at, id) WHERE assignee_id IS NOT NULL;
CREATE INDEX tasks_by_project ON tasks (organization_id, project_id, created_at, id) WHERE project_id IS NOT NULL;
";

const DOWN: &str = "DROP TABLE tasks;";

/// A user's tasks are mostly in one organisation. Without knowing so, PostgreSQL takes them for a handful, and reads and
/// sorts all of them rather than one page from an index.
const STATISTICS: &str = "
CREATE STATISTICS tasks_of_users (dependencies) ON organization_id, user_id FROM tasks;
CREATE STATISTICS tasks_of_assignees (dependencies) ON organization_id, assignee_id FROM tasks;
";

fn policies() -> String {
    [
        STATISTICS.to_owned(),
        enable("tasks"),
        restrict("tasks", &format!("organization_id = {ORGANIZATION}")),
        grant("tasks", "SELECT, INSERT, UPDATE, DELETE"),
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

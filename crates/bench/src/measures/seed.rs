//! Fills the server's own tables, past the API, which would take too long.

use rusqlite::Connection;
use tokio_postgres::NoTls;

use crate::databases::Database;
use crate::error::Result;
use crate::node::Member;

/// Tasks of each organisation.
pub(super) const TASKS_EACH: u32 = 1_000;

/// Organisations, each with a user of its own, numbered from 2: the first one signed up. Identifiers are made of the
/// numbers.
const POSTGRES: &str = "
CREATE TEMPORARY TABLE made AS
    SELECT n, lpad(to_hex(n), 32, '0')::uuid AS id FROM generate_series(2, {organizations}) AS n;
INSERT INTO users (id, email, email_key, username, username_key, is_active, is_platform_admin, must_change_password,
    epoch, created_at, updated_at, revision)
    SELECT id, 'u' || n || '@localhost.test', 'u' || n || '@localhost.test', 'user' || n, 'user' || n, true, false,
        false, 1, now(), now(), 1 FROM made;
INSERT INTO organizations (id, name, slug, plan, is_active, metadata, created_at, updated_at, revision)
    SELECT id, 'Organization ' || n, 'organization-' || n, 'FREE', true, '{}', now(), now(), 1 FROM made;
INSERT INTO tasks (organization_id, id, user_id, title, description, search_text, status, priority, due_at, labels,
    created_at, updated_at, revision)
    SELECT o.id, lpad(to_hex(o.n * 1000000::bigint + k), 32, '0')::uuid, o.user_id,
        'Prepare the quarterly report, part ' || k, 'Collect the figures of all regions.',
        'prepare the quarterly report, part ' || k || E'\\ncollect the figures of all regions.', 'Pending', 2,
        '2030-03-17T17:46:40Z', '[\"report\", \"finance\"]', t.at, t.at, 1
    FROM (SELECT n, id, id AS user_id FROM made UNION ALL SELECT 1, '{organization}'::uuid, '{user}'::uuid) AS o,
        generate_series(1, {tasks}) AS k, LATERAL (SELECT now() - interval '1 second' * (k * 1000 + o.n % 1000) AS at) AS t;
DROP TABLE made;
ANALYZE users; ANALYZE organizations; ANALYZE tasks;
";

/// The same for SQLite.
const SQLITE: &str = "
BEGIN;
CREATE TEMPORARY TABLE made AS
    WITH RECURSIVE numbers (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < {organizations})
    SELECT n, unhex(printf('%032x', n)) AS id, unhex(printf('%032x', n)) AS user_id FROM numbers;
INSERT INTO users (id, email, email_key, username, username_key, is_active, is_platform_admin, must_change_password,
    epoch, created_at, updated_at, revision)
    SELECT id, 'u' || n || '@localhost.test', 'u' || n || '@localhost.test', 'user' || n, 'user' || n, 1, 0, 0, 1,
        '2026-01-01T00:00:00+00:00', '2026-01-01T00:00:00+00:00', 1 FROM made;
INSERT INTO organizations (id, name, slug, plan, is_active, metadata, created_at, updated_at, revision)
    SELECT id, 'Organization ' || n, 'organization-' || n, 'FREE', 1, '{}', '2026-01-01T00:00:00+00:00',
        '2026-01-01T00:00:00+00:00', 1 FROM made;
INSERT INTO made VALUES (1, unhex('{organization}'), unhex('{user}'));
WITH RECURSIVE numbers (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM numbers WHERE k < {tasks})
INSERT INTO tasks (organization_id, id, user_id, title, description, search_text, status, priority, due_at, labels,
    created_at, updated_at, revision)
    SELECT o.id, unhex(printf('%032x', o.n * 1000000 + k)), o.user_id, 'Prepare the quarterly report, part ' || k,
        'Collect the figures of all regions.',
        'prepare the quarterly report, part ' || k || char(10) || 'collect the figures of all regions.', 'Pending', 2,
        '2030-03-17T17:46:40+00:00', '[\"report\",\"finance\"]', at, at, 1
    FROM (SELECT n, id, user_id, k, strftime('%Y-%m-%dT%H:%M:%S+00:00', 1767225600 + k * 1000 + n % 1000, 'unixepoch') AS at
        FROM numbers CROSS JOIN made) AS o;
DROP TABLE made;
COMMIT;
ANALYZE;
";

/// Gives the organisation of `member`, and so many others that there are `organizations`, [`TASKS_EACH`] tasks.
pub(super) async fn fill(database: &Database, member: &Member, organizations: u32) -> Result<()> {
    let sql = if database.owner_url().is_some() { POSTGRES } else { SQLITE };
    let sql = sql
        .replace("{organizations}", &organizations.to_string())
        .replace("{tasks}", &TASKS_EACH.to_string())
        .replace("{organization}", &member.organization_id.simple().to_string())
        .replace("{user}", &member.user_id.simple().to_string());
    let Some(url) = database.owner_url() else {
        Connection::open(database.file())?.execute_batch(&sql)?;
        return Ok(());
    };
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let driving = tokio::spawn(connection);
    client.batch_execute(&sql).await?;
    drop(client);
    Ok(driving.await??)
}

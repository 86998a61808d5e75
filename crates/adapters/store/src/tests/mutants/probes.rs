//! Statements that show whose rows a role can reach, and a small world of two tenants to run them in.

use sqlx::postgres::{PgConnection, PgDatabaseError, PgRow};
use sqlx::{AssertSqlSafe, Connection, FromRow};
use tenantry_testkit::postgres::TestDatabase;

use super::super::fixture::postgres;

/// Two organisations, and users of one, of the other, and of none. Ada owns HOME and is a guest of AWAY, Bob's.
const HOME: &str = "00000000-0000-0000-0000-0000000000aa";
const AWAY: &str = "00000000-0000-0000-0000-0000000000bb";
const ADA: &str = "00000000-0000-0000-0000-000000000001";
const BOB: &str = "00000000-0000-0000-0000-000000000002";
const CYD: &str = "00000000-0000-0000-0000-000000000003";

const SEEDS: &[(&str, &[[&str; 3]])] = &[
    ("users", &[[HOME, ADA, ADA], [AWAY, BOB, BOB], [AWAY, CYD, CYD]]),
    ("organizations", &[[HOME, ADA, HOME], [AWAY, BOB, AWAY]]),
    ("memberships", &[[HOME, ADA, ADA], [AWAY, ADA, ADA], [AWAY, BOB, BOB]]),
    ("projects", EACH_ONE),
    ("tasks", EACH_ONE),
    ("credentials", EACH_ONE),
    ("sessions", EACH_ONE),
    ("revocations", EACH_ONE),
    ("idempotency_keys", EACH_ONE),
    ("totp_secrets", EACH_ONE),
    ("recovery_codes", EACH_ONE),
    ("mailed_links", EACH_ONE),
    ("invitations", EACH_ONE),
    ("outbox", EACH_ONE),
    ("audit_log", EACH_ONE),
    // The trigger fills it.
    ("audit_queue", &[]),
    ("audit_links", EACH_ONE),
    ("audit_heads", EACH_ONE),
    ("guess_buckets", EACH_ONE),
    ("signing_keys", EACH_ONE),
    ("api_keys", EACH_ONE),
    ("cycles", EACH_ONE),
    ("sync_sessions", EACH_ONE),
    ("sync_runs", EACH_ONE),
    // One row an organisation: AWAY has none, so that another can be tried there.
    ("sync_turns", &[[HOME, ADA, ADA]]),
    ("sync_files", EACH_ONE),
    ("sync_parts", EACH_ONE),
    ("jobs", EACH_ONE),
    ("readings", EACH_ONE),
    ("reading_chunks", EACH_ONE),
    ("reading_ledger", EACH_ONE),
    ("reading_sums", EACH_ONE),
    // One row an organisation, too.
    ("reading_budgets", &[[HOME, ADA, ADA]]),
    ("advisors", EACH_ONE),
];
const EACH_ONE: &[[&str; 3]] = &[[HOME, ADA, ADA], [AWAY, BOB, BOB]];

/// How to fill and touch a table. A new table is described here, and gets its probes by that.
pub struct Table {
    pub name: &'static str,
    /// The values of a row; `{org}`, `{user}` and `{id}` stand for whose it is, `{project}` for a project, a sync
    /// session and a reading of the organisation.
    row: &'static str,
    /// A change that reads no column, so that the rules for reading do not hide those for writing.
    touch: &'static str,
    /// How many rows are seen by nobody, by Ada, and by Ada within HOME.
    pub visible: [u64; 3],
}

/// Tables whose rows belong to nobody: every node reads all revocations, which hold ids and epochs only, and guesses are
/// counted under keyed hashes before anybody is known.
pub const UNBOUND: [&str; 2] = ["guess_buckets", "revocations"];

/// Tables of the server itself: everybody reads all rows, and no request changes one.
pub const READ_BY_ALL: [&str; 1] = ["signing_keys"];

pub const TABLES: &[Table] = &[
    Table {
        name: "users",
        row: "'{id}', '{id}@x', '{id}@x', '{id}', '{id}', NULL, true, false, false, NULL, 0, NULL, now(), now(), \
              NULL, 1, ''",
        touch: "epoch = 9",
        visible: [0, 1, 1],
    },
    Table { name: "credentials", row: "'{user}', 'hash', now()", touch: "password_hash = 'x'", visible: [0, 1, 1] },
    Table {
        name: "sessions",
        row: "'{id}', '{user}', '{org}', 0, '[]', NULL, NULL, now(), now(), now(), NULL",
        touch: "generation = 9",
        visible: [0, 1, 1],
    },
    Table {
        name: "revocations",
        row: "'{id}', 'user', '{user}', NULL, NULL, 0, now(), now()",
        touch: "epoch = 9",
        // Every node reads all of them.
        visible: [2, 2, 2],
    },
    Table {
        name: "organizations",
        row: "'{id}', 'name', '{id}', 'FREE', NULL, true, '{}', now(), now(), NULL, 1",
        touch: "plan = 'PRO'",
        visible: [0, 2, 2],
    },
    Table {
        name: "memberships",
        row: "'{org}', '{user}', 'GUEST', true, 0, now(), now(), 1",
        touch: "epoch = 9",
        visible: [0, 2, 2],
    },
    Table {
        name: "projects",
        row: "'{org}', '{id}', 'name', NULL, true, NULL, NULL, '{}', now(), now(), NULL, 1, 'name'",
        touch: "revision = 9",
        visible: [0, 0, 1],
    },
    Table {
        name: "tasks",
        row: "'{org}', '{id}', '{user}', NULL, NULL, 't', NULL, 't', 'Pending', 0, NULL, '[]', NULL, now(), now(), 1",
        touch: "revision = 9",
        visible: [0, 0, 1],
    },
    Table {
        name: "idempotency_keys",
        row: "'{user}', 'key {id}', 'f', '{id}', now(), NULL, now(), now()",
        touch: "fingerprint = 'x'",
        visible: [0, 1, 1],
    },
    Table {
        name: "totp_secrets",
        row: "'{user}', '\\x00', NULL, 0, now(), NULL, now()",
        touch: "attempts = 9",
        visible: [0, 1, 1],
    },
    Table { name: "recovery_codes", row: "'{user}', '\\x00', NULL", touch: "used_at = now()", visible: [0, 1, 1] },
    Table {
        name: "mailed_links",
        row: "'{user}', 'reset_password', decode(replace('{id}', '-', ''), 'hex'), '{id}', now(), now(), NULL",
        touch: "used_at = now()",
        visible: [0, 1, 1],
    },
    Table {
        name: "invitations",
        row: "'{org}', '{id}', '{id}@x', '{id}@x', 'GUEST', decode(replace('{id}', '-', ''), 'hex'), '{user}', now(), \
              now(), NULL, 1",
        touch: "accepted_at = now()",
        visible: [0, 0, 1],
    },
    Table {
        name: "outbox",
        row: "'{id}', 'invitation', '\\x00', 'sent', NULL, 0, 0, now(), NULL, now(), NULL, now()",
        touch: "epoch = 9",
        visible: [0, 0, 0],
    },
    Table {
        name: "audit_log",
        row: "'{id}', now(), '{org}', '{user}', 'user', 'user.login', NULL, NULL, 'success', NULL, NULL, '{}'",
        touch: "action = 'x'",
        visible: [0, 0, 1],
    },
    Table {
        name: "audit_queue",
        row: "'{id}', '{org}'",
        touch: "chain_id = '00000000-0000-0000-0000-000000000000'",
        visible: [0, 0, 0],
    },
    Table { name: "audit_links", row: "'{org}', 1, '{id}', '\\x00'", touch: "hash = '\\x01'", visible: [0, 0, 0] },
    Table {
        name: "audit_heads",
        // All its links are expired, so that no trigger keeps what the policies let go.
        row: "'{id}', 1, '\\x00', 1, '\\x00', '\\x00'",
        touch: "position = 9",
        visible: [0, 0, 0],
    },
    Table {
        name: "guess_buckets",
        row: "'{id}', 1, 0, now(), now(), now()",
        touch: "guesses = 9",
        // Counted before anybody is known.
        visible: [2, 2, 2],
    },
    Table {
        name: "signing_keys",
        row: "'{id}', 'retired', now(), NULL, '\\x00', now()",
        touch: "since = now()",
        visible: [2, 2, 2],
    },
    Table {
        name: "api_keys",
        row: "'{org}', '{id}', '{user}', 'name', 'tnt_x', '{id}', '*', now(), NULL, NULL",
        touch: "last_used_at = now()",
        visible: [0, 0, 1],
    },
    Table {
        name: "cycles",
        row: "'{org}', '{id}', '{project}', 'name', 1 + ascii(right('{id}', 1)), NULL, 'planned', NULL, '{}', NULL, NULL, now(), now(), 1",
        touch: "revision = 9",
        visible: [0, 0, 1],
    },
    Table {
        name: "sync_sessions",
        row: "'{org}', '{id}', '{user}', '{project}', NULL, '/a', NULL, NULL, 1, 0, true, '[]', '[]', 'checksum', \
              false, NULL, NULL, NULL, now(), now(), 1",
        touch: "revision = 9",
        visible: [0, 0, 1],
    },
    Table {
        name: "sync_runs",
        row: "'{org}', '{id}', '{user}', '{project}', '{project}', NULL, 'full', NULL, NULL, 'p', 0, 'failed', false, \
              false, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, '[]', 0, 0, 0, NULL, 0, 0, NULL, now(), NULL, NULL, now()",
        touch: "crashes = 9",
        visible: [0, 0, 1],
    },
    Table { name: "sync_turns", row: "'{org}', true, 0", touch: "last_turn = 9", visible: [0, 0, 1] },
    Table {
        name: "sync_files",
        row: "'{org}', 1, '{id}', '{id}', '{id}', '{id}', '\\x00', 0, 0, 0, 0, 0, 'pending', 0, NULL, NULL, NULL, NULL, \
              NULL, NULL, NULL",
        touch: "attempts = 9",
        visible: [0, 0, 1],
    },
    Table {
        name: "jobs",
        row: "'{id}', '{org}', '{user}', 'q', 'k', '{}', 0, 'failed', NULL, false, 0, 1, 0, false, 0, NULL, 0, NULL, \
              NULL, now(), NULL, NULL",
        touch: "crashes = 9",
        visible: [0, 0, 1],
    },
    Table {
        name: "readings",
        row: "'{org}', '{id}', '{user}', 'a', 'q', '\\x00', NULL, '[]', 'pending', NULL, NULL, NULL, 0, 0, 0, false, \
              false, NULL, now(), now(), NULL, NULL, 1",
        touch: "revision = 9",
        visible: [0, 0, 1],
    },
    Table {
        name: "reading_chunks",
        row: "'{org}', '{project}', ascii(right('{id}', 1)), 'text', 'x'",
        touch: "body = 'y'",
        visible: [0, 0, 1],
    },
    Table {
        name: "reading_ledger",
        row: "'{org}', '{id}', 'reserve', '{user}', 'a', NULL, NULL, '2026-11-22', 0, 0, 0, 0, NULL, false, now()",
        touch: "amount = 9",
        visible: [0, 0, 1],
    },
    Table { name: "reading_sums", row: "'{org}', '{id}', '2026-11', 0, 0", touch: "settled = 9", visible: [0, 0, 1] },
    Table {
        name: "reading_budgets",
        row: "'{org}', NULL, NULL, NULL, NULL, now(), 1",
        touch: "revision = 9",
        visible: [0, 0, 1],
    },
    Table {
        name: "advisors",
        row: "'{org}', '{id}', 'n', 't', 'd', 'i', now(), now(), 1",
        touch: "revision = 9",
        visible: [0, 0, 1],
    },
    Table { name: "sync_parts", row: "'{org}', '{id}', 1, 0, 0, 'e'", touch: "size = 9", visible: [0, 0, 1] },
];

impl Table {
    pub fn find(name: &str) -> &'static Self {
        let found = TABLES.iter().find(|table| table.name == name);
        found.unwrap_or_else(|| panic!("{name} has no probes: describe it in TABLES and fill it in SEEDS"))
    }

    fn insert(&self, [organization, user, id]: [&str; 3]) -> String {
        // What EACH_ONE put there.
        let project = if organization == HOME { ADA } else { BOB };
        let row = self.row.replace("{org}", organization).replace("{user}", user).replace("{id}", id);
        let row = row.replace("{project}", project);
        format!("INSERT INTO {} VALUES ({row})", self.name)
    }

    /// A row of another organisation and user. It keeps all constraints: only row-level security can refuse it.
    pub fn foreign_insert(&self) -> String {
        self.insert([AWAY, CYD, "00000000-0000-0000-0000-0000000000ff"])
    }

    /// What is tried on the table. `owned` are the columns that say whose a row is.
    fn statements(&self, owned: &[String]) -> Vec<String> {
        let Self { name, touch, .. } = self;
        let mut statements = vec![
            select(name),
            format!("UPDATE {name} SET {touch}"),
            format!("DELETE FROM {name}"),
            self.foreign_insert(),
        ];
        statements.extend(owned.iter().map(|column| {
            let other = if column == "user_id" || *name == "users" { CYD } else { AWAY };
            format!("UPDATE {name} SET {column} = '{other}'")
        }));
        statements
    }
}

/// Reads no column, and counts all rows that may be seen.
fn select(table: &str) -> String {
    format!("SELECT FROM {table}")
}

/// Who tries: SQL that turns the owner of the tables into them, for the rest of a transaction.
pub const NOBODY: &str = "SET LOCAL ROLE tenantry_app;";
pub const USER: &str = "SET LOCAL ROLE tenantry_app; SET LOCAL app.user_id = '00000000-0000-0000-0000-000000000001';";
pub const MEMBER: &str = "SET LOCAL ROLE tenantry_app; SET LOCAL app.user_id = '00000000-0000-0000-0000-000000000001';
    SET LOCAL app.organization_id = '00000000-0000-0000-0000-0000000000aa';";
const PLATFORM: &str = "SET LOCAL ROLE tenantry_platform;";
const OWNER: &str = "";
/// The owner asks to be refused rather than to see a part: refused is only who is bound by policies.
const OWNER_UNBOUND: &str = "SET LOCAL row_security = off;";

/// What a statement did: so many rows, or the SQLSTATE of its refusal.
pub type Outcome = Result<u64, String>;

/// The two tenants, seen by the owner of the tables within one transaction, in which everything can be undone.
pub struct Probe {
    connection: PgConnection,
    _database: TestDatabase,
}

impl Probe {
    /// `None` without PostgreSQL. The roles get every right on every table, so that nothing but the policies is
    /// between them and the rows.
    pub async fn new() -> Option<Self> {
        let database = postgres().await?.postgres.unwrap();
        let mut connection = PgConnection::connect(&database.url).await.unwrap();
        let mut setup = "GRANT ALL ON ALL TABLES IN SCHEMA public TO tenantry_app, tenantry_platform;".to_owned();
        for &(name, rows) in SEEDS {
            let table = Table::find(name);
            setup.extend(rows.iter().map(|row| table.insert(*row) + ";"));
        }
        setup.push_str("BEGIN");
        sqlx::raw_sql(AssertSqlSafe(setup)).execute(&mut connection).await.unwrap();
        Some(Self { connection, _database: database })
    }

    pub async fn rows<T>(&mut self, question: &'static str) -> Vec<T>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        sqlx::query_as(question).fetch_all(&mut self.connection).await.unwrap()
    }

    /// Applies what [`Probe::undo`] takes back.
    pub async fn mutate(&mut self, sql: &str) {
        self.run(format!("SAVEPOINT mutant; {sql}")).await.unwrap_or_else(|code| panic!("{sql}: {code}"));
    }

    pub async fn undo(&mut self) {
        self.run("ROLLBACK TO SAVEPOINT mutant; RELEASE SAVEPOINT mutant".to_owned()).await.unwrap();
    }

    /// What `who` can do with `statement`; leaves nothing behind.
    pub async fn attempt(&mut self, who: &str, statement: &str) -> Outcome {
        let outcome = self.run(format!("SAVEPOINT probe; {who} {statement}")).await;
        self.run("ROLLBACK TO SAVEPOINT probe; RELEASE SAVEPOINT probe".to_owned()).await.unwrap();
        outcome
    }

    pub async fn visible(&mut self, who: &str, table: &str) -> Outcome {
        self.attempt(who, &select(table)).await
    }

    /// The last answer to several statements, in text; their settings are taken back.
    pub async fn answer(&mut self, sql: &str) -> Vec<PgRow> {
        let sql = format!("SAVEPOINT probe; {sql}");
        let rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(&mut self.connection).await.unwrap();
        self.run("ROLLBACK TO SAVEPOINT probe; RELEASE SAVEPOINT probe".to_owned()).await.unwrap();
        rows
    }

    /// Everybody's attempts on one table.
    pub async fn outcomes(&mut self, table: &Table) -> Vec<(String, Outcome)> {
        let owned = self.columns_of_owners(table.name).await;
        let statements = table.statements(&owned);
        let mut outcomes = Vec::new();
        for who in [NOBODY, USER, MEMBER, PLATFORM, OWNER] {
            for statement in &statements {
                outcomes.push((format!("{who} {statement}"), self.attempt(who, statement).await));
            }
        }
        outcomes.push((OWNER_UNBOUND.to_owned(), self.visible(OWNER_UNBOUND, table.name).await));
        outcomes
    }

    /// The columns that say whose a row is.
    async fn columns_of_owners(&mut self, table: &str) -> Vec<String> {
        let question = "SELECT attname::text FROM pg_attribute
            WHERE attrelid = $1::text::regclass AND NOT attisdropped AND (attname IN ('organization_id', 'user_id')
                OR attname = 'id' AND $1 IN ('users', 'organizations')) ORDER BY attname";
        sqlx::query_scalar(question).bind(table).fetch_all(&mut self.connection).await.unwrap()
    }

    async fn run(&mut self, sql: String) -> Outcome {
        let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connection).await;
        done.map(|done| done.rows_affected()).map_err(|error| {
            let error = error.as_database_error().expect("an answer of the server");
            error.downcast_ref::<PgDatabaseError>().code().to_owned()
        })
    }
}

//! Over rusqlite: a connection a thread for reading, and one that all threads write with.

use std::cell::RefCell;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::{Connection, Row, params};
use tenantry_kernel::{Clock as _, SystemClock};
use uuid::Uuid;

use super::handlers::{Account, Rows, Source};
use crate::error::Result;
use crate::task::{COLUMNS, NewTask, PAGE, Task};

/// The tables of the server, as far as the handlers need them.
const TABLES: &str = "
CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY, email TEXT NOT NULL, username TEXT NOT NULL, full_name TEXT,
    is_active INTEGER NOT NULL, email_verified_at TEXT, last_login_at TEXT, created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
CREATE TABLE tasks (
    organization_id BLOB NOT NULL, id BLOB NOT NULL, user_id BLOB NOT NULL, project_id BLOB, assignee_id BLOB,
    title TEXT NOT NULL, description TEXT, search_text TEXT NOT NULL, status TEXT NOT NULL, priority INTEGER NOT NULL,
    due_at TEXT, labels TEXT NOT NULL, completed_at TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    revision INTEGER NOT NULL, PRIMARY KEY (organization_id, id)
) STRICT;
CREATE INDEX tasks_by_creation ON tasks (organization_id, created_at, id);
CREATE INDEX tasks_by_user ON tasks (organization_id, user_id, created_at, id);
CREATE INDEX tasks_by_assignee ON tasks (organization_id, assignee_id, created_at, id) WHERE assignee_id IS NOT NULL;
CREATE INDEX tasks_by_project ON tasks (organization_id, project_id, created_at, id) WHERE project_id IS NOT NULL;
";

const INSERT: &str = "
INSERT INTO tasks (organization_id, id, user_id, project_id, assignee_id, title, description, search_text, status,
    priority, due_at, labels, completed_at, created_at, updated_at, revision)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";

/// What all threads share.
#[derive(Clone)]
pub struct Shared {
    path: Arc<Path>,
    writer: Arc<Mutex<Connection>>,
}

/// One thread's own.
pub struct Thread {
    shared: Shared,
    reader: RefCell<Connection>,
    page: String,
    organization_id: Uuid,
    user_id: Uuid,
    /// The last task of the first page.
    after: (String, Uuid),
}

/// Makes the database, and fills it with `tasks`, all of one user.
pub fn fill(path: &Path, tasks: &[Task]) -> Result<()> {
    let mut connection = open(path)?;
    connection.execute_batch(TABLES)?;
    let transaction = connection.transaction()?;
    for task in tasks {
        store(&transaction, task)?;
    }
    let user = tasks.first().ok_or("no tasks")?;
    let now = text(SystemClock.now());
    transaction.execute(
        "INSERT INTO users VALUES (?1, 'bench@localhost.test', 'bench', 'Benjamin Bench', 1, NULL, ?2, ?2, ?2)",
        params![user.user_id.into_bytes(), now],
    )?;
    transaction.commit()?;
    Ok(())
}

fn open(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // As the server's writer: a commit that was answered survives a power failure.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -8_192)?;
    connection.pragma_update(None, "mmap_size", 268_435_456)?;
    Ok(connection)
}

impl Shared {
    /// Opens the writing connection.
    pub fn open(path: &str) -> Result<Self> {
        let path: Arc<Path> = Path::new(path).into();
        Ok(Self { writer: Arc::new(Mutex::new(open(&path)?)), path })
    }
}

impl Source for Shared {
    type Rows = Thread;

    async fn connect(self) -> Result<Thread> {
        let reader = open(&self.path)?;
        let last = format!(
            "SELECT organization_id, user_id, created_at, id FROM tasks ORDER BY created_at DESC, id DESC LIMIT 1 \
             OFFSET {}",
            PAGE - 1
        );
        let (organization_id, user_id, created_at, id) =
            reader.query_row(&last, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        Ok(Thread {
            shared: self,
            reader: RefCell::new(reader),
            page: format!(
                "SELECT {COLUMNS} FROM tasks WHERE organization_id = ?1 AND user_id = ?2 AND (created_at, id) < (?3, ?4)
                 ORDER BY created_at DESC, id DESC LIMIT {PAGE}"
            ),
            organization_id: Uuid::from_bytes(organization_id),
            user_id: Uuid::from_bytes(user_id),
            after: (created_at, Uuid::from_bytes(id)),
        })
    }
}

impl Thread {
    fn read_page(&self, connection: &Connection) -> Result<Vec<Task>> {
        let mut statement = connection.prepare_cached(&self.page)?;
        let (after, id) = &self.after;
        let parameters = params![self.organization_id.as_bytes(), self.user_id.as_bytes(), after, id.as_bytes()];
        let mut rows = statement.query(parameters)?;
        let mut tasks = Vec::with_capacity(PAGE.into());
        while let Some(row) = rows.next()? {
            tasks.push(task(row)?);
        }
        Ok(tasks)
    }
}

impl Rows for Thread {
    async fn one(&self) -> Result<Account> {
        let connection = self.reader.borrow();
        let mut statement = connection.prepare_cached(
            "SELECT id, email, username, full_name, is_active, email_verified_at, last_login_at, created_at, updated_at
             FROM users WHERE id = ?1",
        )?;
        let mut rows = statement.query([self.user_id.as_bytes()])?;
        account(rows.next()?.ok_or("no such user")?)
    }

    async fn page(&self) -> Result<Vec<Task>> {
        self.read_page(&self.reader.borrow())
    }

    async fn count_and_page(&self) -> Result<(i64, Vec<Task>)> {
        let mut connection = self.reader.borrow_mut();
        // One snapshot for both.
        let transaction = connection.transaction()?;
        let total = transaction
            .prepare_cached("SELECT count(*) FROM tasks WHERE organization_id = ?1 AND user_id = ?2")?
            .query_row([self.organization_id.as_bytes(), self.user_id.as_bytes()], |row| row.get(0))?;
        Ok((total, self.read_page(&transaction)?))
    }

    async fn insert(&self, new: NewTask) -> Result<Task> {
        let task = Task::made_from(new, self.organization_id, self.user_id);
        let writer = self.shared.writer.lock().unwrap_or_else(PoisonError::into_inner);
        store(&writer, &task)?;
        Ok(task)
    }
}

fn store(connection: &Connection, task: &Task) -> Result<()> {
    let mut statement = connection.prepare_cached(INSERT)?;
    statement.execute(params![
        task.organization_id.as_bytes(),
        task.id.as_bytes(),
        task.user_id.as_bytes(),
        task.project_id.map(Uuid::into_bytes),
        task.assignee_id.map(Uuid::into_bytes),
        task.title,
        task.description,
        task.search_text(),
        task.status,
        task.priority,
        task.due_at.map(text),
        serde_json::to_string(&task.labels)?,
        task.completed_at.map(text),
        text(task.created_at),
        text(task.updated_at),
        task.revision,
    ])?;
    Ok(())
}

fn task(row: &Row<'_>) -> Result<Task> {
    let uuid = |index: usize| row.get(index).map(|bytes: Option<[u8; 16]>| bytes.map(Uuid::from_bytes));
    Ok(Task {
        id: uuid(0)?.unwrap_or_default(),
        organization_id: uuid(1)?.unwrap_or_default(),
        user_id: uuid(2)?.unwrap_or_default(),
        project_id: uuid(3)?,
        assignee_id: uuid(4)?,
        title: row.get(5)?,
        description: row.get(6)?,
        status: row.get(7)?,
        priority: row.get(8)?,
        due_at: optional_time(row, 9)?,
        labels: serde_json::from_str(row.get_ref(10)?.as_str()?)?,
        completed_at: optional_time(row, 11)?,
        created_at: time(row, 12)?,
        updated_at: time(row, 13)?,
        revision: row.get(14)?,
    })
}

fn account(row: &Row<'_>) -> Result<Account> {
    Ok(Account {
        id: Uuid::from_bytes(row.get(0)?),
        email: row.get(1)?,
        username: row.get(2)?,
        full_name: row.get(3)?,
        is_active: row.get(4)?,
        email_verified: optional_time(row, 5)?.is_some(),
        last_login_at: optional_time(row, 6)?,
        created_at: time(row, 7)?,
        updated_at: time(row, 8)?,
    })
}

fn optional_time(row: &Row<'_>, index: usize) -> Result<Option<DateTime<Utc>>> {
    let text = row.get_ref(index)?.as_str_or_null()?;
    Ok(text.map(DateTime::parse_from_rfc3339).transpose()?.map(|time| time.to_utc()))
}

fn time(row: &Row<'_>, index: usize) -> Result<DateTime<Utc>> {
    Ok(optional_time(row, index)?.ok_or("a time is missing")?)
}

/// As the server's times are stored: their order as text is that in time.
fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, false)
}

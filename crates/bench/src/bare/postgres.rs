//! Over tokio-postgres: a few connections a thread, each with its statements prepared.

use std::cell::Cell;

use tenantry_kernel::{Clock as _, SystemClock};
use tokio_postgres::types::{Json, ToSql};
use tokio_postgres::{Client, NoTls, Row, Statement};
use uuid::Uuid;

use super::handlers::{Account, Rows, Source};
use crate::error::Result;
use crate::task::{COLUMNS, NewTask, PAGE, Task};

/// Connections of a thread. More make it slower on few cores.
const CONNECTIONS: usize = 4;

/// The tables of the server, as far as the handlers need them, in a schema beside it.
const TABLES: &str = r#"
CREATE SCHEMA bare;
CREATE TABLE bare.users (
    id uuid NOT NULL PRIMARY KEY, email text NOT NULL, username text NOT NULL, full_name text,
    is_active boolean NOT NULL, email_verified_at timestamptz, last_login_at timestamptz,
    created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL
);
CREATE TABLE bare.tasks (
    organization_id uuid NOT NULL, id uuid NOT NULL, user_id uuid NOT NULL, project_id uuid, assignee_id uuid,
    title text COLLATE "C" NOT NULL, description text, search_text text NOT NULL, status text NOT NULL,
    priority smallint NOT NULL, due_at timestamptz, labels jsonb NOT NULL, completed_at timestamptz,
    created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, revision bigint NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX ON bare.tasks (organization_id, created_at, id);
CREATE INDEX ON bare.tasks (organization_id, user_id, created_at, id);
CREATE INDEX ON bare.tasks (organization_id, assignee_id, created_at, id) WHERE assignee_id IS NOT NULL;
CREATE INDEX ON bare.tasks (organization_id, project_id, created_at, id) WHERE project_id IS NOT NULL;
"#;

const INSERT: &str = "
INSERT INTO bare.tasks (organization_id, id, user_id, project_id, assignee_id, title, description, search_text, status,
    priority, due_at, labels, completed_at, created_at, updated_at, revision)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";

const COUNT: &str = "SELECT count(*) FROM bare.tasks WHERE organization_id = $1 AND user_id = $2";

const ONE: &str = "
SELECT id, email, username, full_name, is_active, email_verified_at, last_login_at, created_at, updated_at
FROM bare.users WHERE id = $1";

/// The URL of the database.
#[derive(Clone)]
pub struct Place(pub String);

/// One thread's own.
pub struct Thread {
    links: Vec<Link>,
    next: Cell<usize>,
    organization_id: Uuid,
    user_id: Uuid,
    /// The last task of the first page.
    after: (chrono::DateTime<chrono::Utc>, Uuid),
}

/// A connection and its statements. Requests on one connection are sent without waiting for one another.
struct Link {
    client: Client,
    one: Statement,
    page: Statement,
    count: Statement,
    insert: Statement,
}

/// Makes the tables, and fills them with `tasks`, all of one user.
pub async fn fill(url: &str, tasks: &[Task]) -> Result<()> {
    let client = connect(url).await?;
    client.batch_execute(TABLES).await?;
    let insert = client.prepare(INSERT).await?;
    for task in tasks {
        store(&client, &insert, task).await?;
    }
    let user = tasks.first().ok_or("no tasks")?;
    client
        .execute(
            "INSERT INTO bare.users VALUES ($1, 'bench@localhost.test', 'bench', 'Benjamin Bench', true, NULL, $2, $2, $2)",
            &[&user.user_id, &SystemClock.now()],
        )
        .await?;
    client.batch_execute("ANALYZE bare.users; ANALYZE bare.tasks").await?;
    Ok(())
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            eprintln!("bare handlers: {error}");
        }
    });
    Ok(client)
}

impl Link {
    async fn open(url: &str) -> Result<Self> {
        let client = connect(url).await?;
        let page = format!(
            "SELECT {COLUMNS} FROM bare.tasks WHERE organization_id = $1 AND user_id = $2 AND (created_at, id) < ($3, $4)
             ORDER BY created_at DESC, id DESC LIMIT {PAGE}"
        );
        Ok(Self {
            one: client.prepare(ONE).await?,
            page: client.prepare(&page).await?,
            count: client.prepare(COUNT).await?,
            insert: client.prepare(INSERT).await?,
            client,
        })
    }
}

impl Source for Place {
    type Rows = Thread;

    async fn connect(self) -> Result<Thread> {
        let mut links = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            links.push(Link::open(&self.0).await?);
        }
        let last = format!(
            "SELECT organization_id, user_id, created_at, id FROM bare.tasks ORDER BY created_at DESC, id DESC LIMIT 1 \
             OFFSET {}",
            PAGE - 1
        );
        let last = links.first().ok_or("no connection")?.client.query_one(&last, &[]).await?;
        Ok(Thread {
            links,
            next: Cell::new(0),
            organization_id: last.try_get(0)?,
            user_id: last.try_get(1)?,
            after: (last.try_get(2)?, last.try_get(3)?),
        })
    }
}

impl Thread {
    fn link(&self) -> Result<&Link> {
        let turn = self.next.get();
        self.next.set((turn + 1) % CONNECTIONS);
        Ok(self.links.get(turn).ok_or("no connection")?)
    }

    async fn read_page(&self, link: &Link) -> Result<Vec<Task>> {
        let (after, id) = &self.after;
        let parameters: [&(dyn ToSql + Sync); 4] = [&self.organization_id, &self.user_id, after, id];
        link.client.query(&link.page, &parameters).await?.iter().map(task).collect()
    }
}

impl Rows for Thread {
    async fn one(&self) -> Result<Account> {
        let link = self.link()?;
        account(&link.client.query_one(&link.one, &[&self.user_id]).await?)
    }

    async fn page(&self) -> Result<Vec<Task>> {
        self.read_page(self.link()?).await
    }

    async fn count_and_page(&self) -> Result<(i64, Vec<Task>)> {
        let link = self.link()?;
        let count = async {
            let row = link.client.query_one(&link.count, &[&self.organization_id, &self.user_id]).await?;
            Ok(row.try_get(0)?)
        };
        tokio::try_join!(count, self.read_page(link))
    }

    async fn insert(&self, new: NewTask) -> Result<Task> {
        let task = Task::made_from(new, self.organization_id, self.user_id);
        let link = self.link()?;
        store(&link.client, &link.insert, &task).await?;
        Ok(task)
    }
}

async fn store(client: &Client, insert: &Statement, task: &Task) -> Result<()> {
    let parameters: [&(dyn ToSql + Sync); 16] = [
        &task.organization_id,
        &task.id,
        &task.user_id,
        &task.project_id,
        &task.assignee_id,
        &task.title,
        &task.description,
        &task.search_text(),
        &task.status,
        &task.priority,
        &task.due_at,
        &Json(&task.labels),
        &task.completed_at,
        &task.created_at,
        &task.updated_at,
        &task.revision,
    ];
    client.execute(insert, &parameters).await?;
    Ok(())
}

fn task(row: &Row) -> Result<Task> {
    Ok(Task {
        id: row.try_get(0)?,
        organization_id: row.try_get(1)?,
        user_id: row.try_get(2)?,
        project_id: row.try_get(3)?,
        assignee_id: row.try_get(4)?,
        title: row.try_get(5)?,
        description: row.try_get(6)?,
        status: row.try_get(7)?,
        priority: row.try_get(8)?,
        due_at: row.try_get(9)?,
        labels: row.try_get::<_, Json<Vec<String>>>(10)?.0,
        completed_at: row.try_get(11)?,
        created_at: row.try_get(12)?,
        updated_at: row.try_get(13)?,
        revision: row.try_get(14)?,
    })
}

fn account(row: &Row) -> Result<Account> {
    Ok(Account {
        id: row.try_get(0)?,
        email: row.try_get(1)?,
        username: row.try_get(2)?,
        full_name: row.try_get(3)?,
        is_active: row.try_get(4)?,
        email_verified: row.try_get::<_, Option<chrono::DateTime<chrono::Utc>>>(5)?.is_some(),
        last_login_at: row.try_get(6)?,
        created_at: row.try_get(7)?,
        updated_at: row.try_get(8)?,
    })
}

//! A running server, and somebody who has signed up there.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::databases::Database;
use crate::error::Result;
use crate::load::{Connection, Request, exchange};
use crate::process::Process;
use crate::task::{NewTask, PAGE, Page, Task};

/// Signs tokens on this machine for some minutes.
const SECRET_KEY: &str = "q7Vd2mXw9LzB4kTfYp1RcJh6NsGe8UaW3oEi5ZtD";

/// How long a server may take to answer at first.
const START_LIMIT: Duration = Duration::from_secs(20);
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// The account that the benchmark acts as.
pub const EMAIL: &str = "bench@localhost.test";
/// Its password.
pub const PASSWORD: &str = "correct horse battery 9";

/// A server that answers.
#[derive(Debug)]
pub struct Node {
    pub process: Process,
    pub port: u16,
    /// From the start of the process to the first healthy answer.
    pub started_in: Duration,
}

/// Somebody who has signed up.
#[derive(Debug, Clone)]
pub struct Member {
    pub token: String,
    pub user_id: Uuid,
    pub organization_id: Uuid,
}

impl Node {
    /// Gives `database` its tables.
    pub async fn migrate(server: &Path, database: &Database) -> Result<()> {
        let mut command = command(server, database);
        let migrated = command.args(["migrate", "up"]).env("RUST_LOG", "warn").stdout(Stdio::null()).status()?;
        if !migrated.success() {
            return Err("the database could not be migrated".into());
        }
        database.admit().await;
        Ok(())
    }

    /// Starts the binary `server` in production on `database`, and waits until it is healthy.
    pub async fn start(server: &Path, database: &Database) -> Result<Self> {
        Self::start_with(server, database, &[]).await
    }

    /// The same, with further settings.
    pub async fn start_with(server: &Path, database: &Database, settings: &[(&str, String)]) -> Result<Self> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let mut command = command(server, database);
        // Every request is logged, as in production; what reads the log is not measured.
        command.envs(settings.iter().map(|(name, value)| (name, value)));
        command.env("TENANTRY__SERVER__PORT", port.to_string()).stdout(Stdio::null()).stderr(Stdio::null());
        let start = Instant::now();
        let mut process = Process::start(&mut command)?;
        while !is_healthy(port).await {
            if !process.is_running()? || start.elapsed() > START_LIMIT {
                return Err("the server did not start; see what `tenantry serve` says".into());
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok(Self { process, port, started_in: start.elapsed() })
    }

    /// Signs up.
    pub async fn sign_up(&self) -> Result<Member> {
        #[derive(Deserialize)]
        struct SignedUp {
            access_token: String,
            user: Id,
            organization: Id,
        }
        #[derive(Deserialize)]
        struct Id {
            id: Uuid,
        }
        let account =
            json!({"email": EMAIL, "password": PASSWORD, "full_name": "Benjamin Bench", "company_name": "Bench"});
        let request = Request::post(self.port, "/api/v1/auth/signup", None, &account)?.expecting(201);
        let signed_up: SignedUp = self.ask(&request).await?;
        Ok(Member {
            token: signed_up.access_token,
            user_id: signed_up.user.id,
            organization_id: signed_up.organization.id,
        })
    }

    /// Makes `count` tasks.
    pub async fn create_tasks(&self, member: &Member, count: usize) -> Result<()> {
        let mut connection = Connection::open(self.port).await?;
        for number in 0..count {
            exchange(&mut connection, &self.create(member, number)?).await?;
        }
        Ok(())
    }

    /// A request that makes a task.
    pub fn create(&self, member: &Member, number: usize) -> Result<Request> {
        let path = "/api/v1/tasks";
        Ok(Request::post(self.port, path, Some(&member.token), &NewTask::example(number))?.expecting(201))
    }

    /// All tasks of `member`, the newest first.
    pub async fn all_tasks(&self, member: &Member) -> Result<Vec<Task>> {
        let mut tasks = Vec::new();
        for number in 1_u32.. {
            let page: Page = self.ask(&self.get(member, &page_path(number))).await?;
            tasks.extend(page.data);
            if page.next_cursor.is_none() {
                break;
            }
        }
        Ok(tasks)
    }

    /// Where the page after page `number` starts, as a path.
    pub async fn path_after(&self, member: &Member, number: u32) -> Result<String> {
        let page: Page = self.ask(&self.get(member, &page_path(number))).await?;
        let cursor = page.next_cursor.ok_or("there is no further page")?;
        Ok(format!("/api/v1/tasks?limit={PAGE}&cursor={cursor}"))
    }

    /// A request of `member`'s.
    pub fn get(&self, member: &Member, path: &str) -> Request {
        Request::get(self.port, path, Some(&member.token))
    }

    /// A request to sign in.
    pub fn sign_in(&self, email: &str, password: &str) -> Result<Request> {
        Request::post(self.port, "/api/v1/auth/login", None, &json!({"email": email, "password": password}))
    }

    async fn ask<T: DeserializeOwned>(&self, request: &Request) -> Result<T> {
        let mut connection = Connection::open(self.port).await?;
        Ok(serde_json::from_slice(exchange(&mut connection, request).await?)?)
    }
}

/// The path of a page by its number.
pub fn page_path(number: u32) -> String {
    format!("/api/v1/tasks?limit={PAGE}&page={number}")
}

fn command(server: &Path, database: &Database) -> Command {
    let mut command = Command::new(server);
    command
        .current_dir(database.directory())
        .env_clear()
        .envs(database.environment())
        .env("TENANTRY_ENV", "production")
        .env("TENANTRY__DATA__DIRECTORY", database.directory())
        .env("TENANTRY__AUTH__ACCESS_TOKEN_SECONDS", "86400")
        .env("SECRET_KEY", SECRET_KEY)
        // Counted, and never too many.
        .env("TENANTRY__RATE_LIMIT__PER_ADDRESS_PER_MINUTE", "1000000000")
        .env("TENANTRY__RATE_LIMIT__SIGN_IN_PER_ADDRESS_PER_MINUTE", "1000000000")
        .env("TENANTRY__RATE_LIMIT__PER_USER_PER_MINUTE", "1000000000")
        .env("TENANTRY__RATE_LIMIT__PER_ORGANIZATION_PER_MINUTE", "1000000000")
        .stdin(Stdio::null());
    command
}

async fn is_healthy(port: u16) -> bool {
    let Ok(mut connection) = Connection::open(port).await else { return false };
    let answer = exchange(&mut connection, &Request::get(port, "/health", None)).await;
    answer.is_ok_and(|body| {
        serde_json::from_slice::<Value>(body)
            .is_ok_and(|health| health.get("status").is_some_and(|status| status == "healthy"))
    })
}

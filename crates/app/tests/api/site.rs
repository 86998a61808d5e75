//! A node of the test's own, in this process, and a client for it.

use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use reqwest::header::HeaderValue;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, query, query_scalar};
use tempfile::TempDir;
use tenantry_app::node::Node;
use tenantry_app::running::{Jobs, Running};
use tenantry_app::settings::{Settings, Variables};
use tenantry_store::SqlPool;
use tokio::task::JoinHandle;

use crate::answer::Answer;
use crate::answerer::Answerer;
use crate::database::Database;
use crate::person::Person;

/// Where the API is served.
pub const API: &str = "/api/v1";

/// A password that every rule permits.
pub const PASSWORD: &str = "correct horse battery";

/// The secret of every site, so that a test can make tokens of its own and several nodes agree.
pub const SECRET: &str = "vJ0m3Z5s8wXhTq1nC7yKd4Lr9pEbGf2a";

/// A node that serves on a free port.
pub struct Site {
    pub running: Running,
    pub address: String,
    client: Client,
    database: Arc<Database>,
    _folder: TempDir,
    answering: OnceLock<JoinHandle<()>>,
    /// What sync sessions may read.
    pub synced: TempDir,
}

impl Site {
    pub async fn on_sqlite() -> Self {
        Self::start(Arc::new(Database::sqlite().await), &[]).await
    }

    /// None where there is no PostgreSQL.
    pub async fn on_postgres() -> Option<Self> {
        Some(Self::start(Arc::new(Database::postgres().await?), &[]).await)
    }

    /// Another node on the same database, with other settings.
    pub async fn another(&self, settings: &[(&'static str, &str)]) -> Self {
        Self::start(self.database.clone(), settings).await
    }

    /// The same, with other parts.
    pub async fn another_with(&self, settings: &[(&'static str, &str)], replace: impl FnOnce(&mut Node)) -> Self {
        Self::start_with(self.database.clone(), settings, replace).await
    }

    pub async fn start(database: Arc<Database>, settings: &[(&'static str, &str)]) -> Self {
        Self::start_with(database, settings, |_| {}).await
    }

    async fn start_with(
        database: Arc<Database>,
        settings: &[(&'static str, &str)],
        replace: impl FnOnce(&mut Node),
    ) -> Self {
        let (folder, synced) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut node = Node::open(load(&database, folder.path(), synced.path(), settings))
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        replace(&mut node);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let running = Running::start(node, listener, Jobs::Elsewhere).unwrap();
        // Without a first look at the revocations, tokens would be checked against the database.
        running.node().follower.poll().await.unwrap();
        let client = tenantry_testkit::http_client();
        Self {
            address: format!("http://{}", running.address()),
            running,
            client,
            database,
            _folder: folder,
            answering: OnceLock::new(),
            synced,
        }
    }

    /// Ends it as the binary ends, and so that nothing is left connected to the database.
    pub async fn stop(self) {
        if let Some(answering) = self.answering.into_inner() {
            answering.abort();
            drop(answering.await);
        }
        drop(self.client);
        self.running.stop().await.unwrap();
    }

    /// From now on somebody answers readings, and does no other jobs.
    pub fn answer_readings(&self) {
        self.answering.get_or_init(|| tokio::spawn(Answerer::of(self.running.node()).work()));
    }

    /// A request to `path`, which includes the prefix.
    pub fn at(&self, method: &str, path: &str) -> Ask {
        let method: Method = method.to_uppercase().parse().unwrap();
        let builder = self.client.request(method.clone(), format!("{}{path}", self.address));
        Ask { builder, asked: format!("{method} {path}") }
    }

    /// A request to `path` beneath [`API`].
    pub fn ask(&self, method: &str, path: &str) -> Ask {
        self.at(method, &format!("{API}{path}"))
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask("POST", path).json(&body).send().await
    }

    /// Somebody new, in an organisation of their own.
    pub async fn newcomer(&self) -> Person<'_> {
        Person::sign_up(self, &unique("newcomer")).await
    }

    /// Somebody new who administers the platform.
    pub async fn administrator(&self) -> Person<'_> {
        let person = Person::sign_up(self, &unique("administrator")).await;
        let name = &person.username;
        self.sql(&format!("UPDATE users SET is_platform_admin = (1 = 1) WHERE username = '{name}'")).await;
        person
    }

    pub async fn login(&self, name: &str, password: &str) -> Answer {
        self.post("/auth/login", json!({"email": name, "password": password})).await
    }

    /// Whether its database is SQLite.
    pub fn is_sqlite(&self) -> bool {
        self.running.node().database.backend() == "sqlite"
    }

    /// Runs a statement past the application.
    pub async fn sql(&self, statement: &str) {
        let statement = AssertSqlSafe(statement.to_owned());
        let done = match self.running.node().database.background_pool() {
            SqlPool::Postgres(pool) => query(statement).execute(&pool).await.map(|done| done.rows_affected()),
            SqlPool::Sqlite(pool) => query(statement).execute(&pool).await.map(|done| done.rows_affected()),
        };
        assert_ne!(done.unwrap(), 0, "the statement touched nothing");
    }

    /// How many rows a table has, of all tenants.
    pub async fn rows(&self, table: &str) -> i64 {
        let statement = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        match self.running.node().database.background_pool() {
            SqlPool::Postgres(pool) => query_scalar(statement).fetch_one(&pool).await.unwrap(),
            SqlPool::Sqlite(pool) => query_scalar(statement).fetch_one(&pool).await.unwrap(),
        }
    }
}

fn load(database: &Database, folder: &Path, synced: &Path, settings: &[(&'static str, &str)]) -> Settings {
    let mut variables = vec![
        ("TENANTRY_ENV", "test".to_owned()),
        ("SECRET_KEY", SECRET.to_owned()),
        ("TENANTRY__AUTH__BCRYPT_COST", "4".to_owned()),
        ("TENANTRY__DATA__DIRECTORY", folder.to_str().unwrap().to_owned()),
        ("TENANTRY__DATABASE__MIGRATE_ON_START", "false".to_owned()),
        ("TENANTRY__SYNC__ALLOWED_ROOTS", synced.to_str().unwrap().to_owned()),
        ("TENANTRY__SERVER__WORKERS", "1".to_owned()),
        // Tests of other things are in a hurry.
        ("TENANTRY__RATE_LIMIT__PER_ADDRESS_PER_MINUTE", "0".to_owned()),
        ("TENANTRY__RATE_LIMIT__SIGN_IN_PER_ADDRESS_PER_MINUTE", "0".to_owned()),
        ("TENANTRY__RATE_LIMIT__PER_USER_PER_MINUTE", "0".to_owned()),
        ("TENANTRY__RATE_LIMIT__PER_ORGANIZATION_PER_MINUTE", "0".to_owned()),
        // Tests of other things mistype without pausing.
        ("TENANTRY__GUESSING__WAITS", "1:0".to_owned()),
    ];
    variables.extend(database.variables());
    variables.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let variables: Variables = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Settings::load_from(&variables, folder).unwrap()
}

/// A request in the making.
#[must_use]
pub struct Ask {
    builder: RequestBuilder,
    asked: String,
}

impl Ask {
    pub fn bearer(self, token: &str) -> Self {
        Self { builder: self.builder.bearer_auth(token), ..self }
    }

    /// The value may have any bytes that a header may have.
    pub fn header(self, name: &str, value: &str) -> Self {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        Self { builder: self.builder.header(name, value), ..self }
    }

    pub fn json(self, body: &Value) -> Self {
        Self { builder: self.builder.json(body), ..self }
    }

    /// A body of any bytes that claims to be JSON.
    pub fn raw(self, body: impl Into<Vec<u8>>) -> Self {
        self.header("content-type", "application/json").bytes(body)
    }

    /// A body that claims to be nothing.
    pub fn bytes(self, body: impl Into<Vec<u8>>) -> Self {
        Self { builder: self.builder.body(body.into()), ..self }
    }

    /// Sends it and leaves the body to be read.
    pub async fn open(self) -> Response {
        self.builder.send().await.unwrap_or_else(|error| panic!("{}: {error:?}", self.asked))
    }

    pub async fn send(self) -> Answer {
        let response = self.builder.send().await.unwrap_or_else(|error| panic!("{}: {error:?}", self.asked));
        Answer::of(self.asked, response).await
    }
}

/// A name that nobody else in this process has.
pub fn unique(stem: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("{stem}{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

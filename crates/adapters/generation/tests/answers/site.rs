//! A migrated database, people in two organisations, and processes that answer.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tempfile::TempDir;
use tenantry_generation::{GenerationOptions, Generator, LiveHub, queue};
use tenantry_identity::PlatformContext;
use tenantry_jobs::{Doorbell, JobsOptions, Worker, WorkerParts};
use tenantry_kernel::{OrganizationId, Store, SystemClock, SystemIds};
use tenantry_migrations::{roles, up};
use tenantry_readings::ports::{AskingLimits, ReadingTransaction};
use tenantry_readings::{
    Advisor, AdvisorDescription, AdvisorId, AdvisorName, AdvisorTitle, AskingRules, Budget, Catalogue, DatedPrice,
    Desk, Frame, Instructions, Manner, ModelName, NanoUsd, NewReading, OnDisconnect, Price, PriceTable, ProviderName,
    Providers, Question, Reading, ReadingError, ReadingId, Readings, Route, Sequence,
};
use tenantry_store::{Database, DatabaseUrl, SqlPool, StoreOptions};
use tenantry_tenancy::{Entrance, TenantContext};
use tenantry_testkit::postgres::{TestDatabase, cluster};
use tenantry_testkit::{Person, StorePorts, World};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How long anything may take before a test gives up.
pub const LONGEST: Duration = Duration::from_mins(1);

/// A database with people in it.
pub struct Site {
    pub database: Arc<Database>,
    pub world: World,
    pub ada: Person,
    pub bob: Person,
    pub raw: SqlPool,
    _postgres: Option<TestDatabase>,
    _folder: Option<TempDir>,
}

/// Both databases, or SQLite alone where there is no PostgreSQL.
pub async fn sites() -> Vec<Site> {
    sites_with(|options| options).await
}

/// The same, reached in another way.
pub async fn sites_with(change: impl Fn(StoreOptions) -> StoreOptions) -> Vec<Site> {
    let mut sites = vec![sqlite(&change).await];
    sites.extend(postgres(&change).await);
    sites
}

async fn sqlite(change: impl Fn(StoreOptions) -> StoreOptions) -> Site {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite://{}", folder.path().join("t.db").display());
    migrate(&url).await;
    let database = Database::new(&change(options(&url))).unwrap();
    let raw = Database::migrator_pool(&options(&url)).unwrap();
    Site::new(database, raw, None, Some(folder)).await
}

async fn postgres(change: impl Fn(StoreOptions) -> StoreOptions) -> Option<Site> {
    let test = cluster().await?.database_from_template("answers", async |url| migrate(&url).await).await;
    let platform_url = Some(DatabaseUrl::parse(&test.platform_url).unwrap());
    let options_of_app = change(StoreOptions { platform_url, ..options(&test.app_url) });
    let database = Database::new(&options_of_app).unwrap();
    let raw = Database::migrator_pool(&options(&test.url)).unwrap();
    Some(Site::new(database, raw, Some(test), None).await)
}

fn options(url: &str) -> StoreOptions {
    StoreOptions { acquire_timeout: Duration::from_secs(20), ..StoreOptions::new(DatabaseUrl::parse(url).unwrap()) }
}

async fn migrate(url: &str) {
    let connection = Database::migrator(&options(url)).unwrap();
    roles::ensure_roles(&connection).await.unwrap();
    up(&connection, None).await.unwrap();
    connection.close().await.unwrap();
}

/// Nobody asks too much.
struct Unlimited;

#[async_trait]
impl AskingLimits for Unlimited {
    async fn take(&self, _: OrganizationId, _: u64) -> Result<(), Duration> {
        Ok(())
    }
}

/// What a model of the tests asks for: a dollar for a million tokens.
pub fn price() -> Price {
    let million = "1".parse().unwrap();
    Price { prompt_per_million: million, completion_per_million: million, per_call: NanoUsd::ZERO }
}

fn catalogue(on_disconnect: OnDisconnect) -> Arc<Catalogue> {
    let route = Route { provider: ProviderName::parse("p").unwrap(), model: ModelName::parse("m").unwrap() };
    let manner = Manner {
        instructions: Instructions::parse("Be brief.").unwrap(),
        routes: vec![route.clone()],
        temperature: None,
        on_disconnect,
    };
    let advisor = Advisor {
        id: AdvisorId::parse("legba").unwrap(),
        name: AdvisorName::parse("Legba").unwrap(),
        title: AdvisorTitle::parse("Keeper").unwrap(),
        description: AdvisorDescription::parse("").unwrap(),
        manner,
    };
    Arc::new(Catalogue { advisors: vec![advisor], own_routes: vec![route], own_on_disconnect: on_disconnect })
}

fn prices() -> Arc<PriceTable> {
    let [provider, model] = ["p", "m"];
    let (provider, model) = (ProviderName::parse(provider).unwrap(), ModelName::parse(model).unwrap());
    Arc::new(PriceTable::new(vec![DatedPrice { provider, model, from: chrono::NaiveDate::MIN, price: price() }]))
}

/// One process: what people do, and who answers.
pub struct Process {
    pub readings: Arc<Readings>,
    pub generator: Arc<Generator>,
    doorbell: Doorbell,
    database: Arc<Database>,
    answers: (u16, Option<u16>),
}

/// How a process differs from others.
#[derive(Clone, Copy)]
pub struct Differences {
    pub budget: Budget,
    pub options: GenerationOptions,
    pub on_disconnect: OnDisconnect,
    /// Answers at the same time, and of one organisation.
    pub answers: (u16, Option<u16>),
    pub reuse_for: Option<Duration>,
}

impl Default for Differences {
    fn default() -> Self {
        Self {
            budget: Budget::default(),
            options: GenerationOptions::default(),
            on_disconnect: OnDisconnect::Finish,
            answers: (512, None),
            reuse_for: None,
        }
    }
}

impl Site {
    async fn new(database: Database, raw: SqlPool, postgres: Option<TestDatabase>, folder: Option<TempDir>) -> Self {
        let database = Arc::new(database);
        let world = World::new(StorePorts::of(&database));
        let (ada, bob) = (world.person().await, world.person().await);
        Self { database, world, ada, bob, raw, _postgres: postgres, _folder: folder }
    }

    pub fn process(&self, providers: Arc<dyn Providers>, differences: &Differences) -> Process {
        let (clock, ids) = (Arc::new(SystemClock), Arc::new(SystemIds));
        let doorbell = Doorbell::alone();
        // Those who ask here wake those who answer here.
        let database = Arc::new((*self.database).clone().ringing(Arc::new(doorbell.clone())));
        let (catalogue, prices) = (catalogue(differences.on_disconnect), prices());
        let hub = Arc::new(LiveHub::new());
        let rules = AskingRules {
            catalogue: catalogue.clone(),
            prices: prices.clone(),
            budget: differences.budget,
            max_completion_tokens: differences.options.max_completion_tokens,
            time_limit: differences.options.total,
            reuse_for: differences.reuse_for,
        };
        let limits = Arc::new(Unlimited);
        let readings = Readings::new(database.clone(), hub.clone(), limits, rules, clock.clone(), ids.clone());
        let entrance = Arc::new(Entrance::new(database.clone()));
        let desk = Arc::new(Desk::new(database.clone(), database.clone(), entrance, catalogue, prices, clock.clone()));
        let generator = Generator::new(desk, providers, hub, clock, ids, differences.options);
        Process {
            readings: Arc::new(readings),
            generator: Arc::new(generator),
            doorbell,
            database,
            answers: differences.answers,
        }
    }

    /// Ends a membership.
    pub async fn leave(&self, owner: &Person, member: &Person) {
        let mut transaction = self.world.ports.tenancy.begin(&owner.owner).await.unwrap();
        let membership = transaction.memberships().find(member.user.id).await.unwrap().unwrap();
        assert!(transaction.memberships().delete(member.user.id, membership.revision).await.unwrap());
        transaction.commit().await.unwrap();
    }

    pub async fn number(&self, sql: &'static str) -> i64 {
        match &self.raw {
            SqlPool::Postgres(pool) => sqlx::query_scalar(sql).fetch_one(pool).await.unwrap(),
            SqlPool::Sqlite(pool) => sqlx::query_scalar(sql).fetch_one(pool).await.unwrap(),
        }
    }

    /// Each reading has ended once, was settled once, and nothing is put aside any more.
    pub async fn assert_settled(&self, readings: i64) {
        let over = "SELECT count(*) FROM readings WHERE status IN ('completed', 'failed', 'cancelled')";
        assert_eq!(self.number(over).await, readings);
        assert_eq!(self.number("SELECT count(*) FROM reading_ledger WHERE kind = 'reserve'").await, readings);
        assert_eq!(self.number("SELECT count(*) FROM reading_ledger WHERE kind = 'settle'").await, readings);
        assert_eq!(self.number("SELECT count(*) FROM reading_sums WHERE reserved <> 0").await, 0);
        let store: &dyn Store<PlatformContext, dyn ReadingTransaction> = &*self.database;
        let mut transaction = store.begin(&PlatformContext::system()).await.unwrap();
        assert_eq!(transaction.ledger().reconcile(false).await.unwrap(), []);
    }
}

/// A worker at work. Dropped, it dies on the spot.
pub struct AtWork {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
    watch: JoinHandle<()>,
}

impl AtWork {
    /// Tells it to stop, and waits until it has.
    pub async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        (&mut self.task).await.unwrap();
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.task.abort();
        self.watch.abort();
    }
}

impl Process {
    /// Begins to answer.
    pub fn work(&self) -> AtWork {
        let options = JobsOptions {
            lease: Duration::from_secs(2),
            poll_interval: Duration::from_millis(100),
            drain: Duration::from_secs(2),
            ..JobsOptions::default()
        };
        let worker = Worker::new(WorkerParts {
            queue: self.database.clone(),
            housekeeping: self.database.clone(),
            doorbell: self.doorbell.clone(),
            line: None,
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
            options,
        });
        let worker = worker.serving(queue(self.generator.clone(), self.answers.0, self.answers.1));
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(worker.run(async move { drop(stopped.await) }));
        let generator = self.generator.clone();
        let watch = tokio::spawn(async move {
            let (_stop, stopping) = tokio::sync::watch::channel(false);
            generator.watch(stopping).await;
        });
        AtWork { stop: Some(stop), task, watch }
    }

    pub async fn ask(&self, context: &TenantContext, question: &str) -> Result<Reading, ReadingError> {
        let (advisor, question) = (AdvisorId::parse("legba").unwrap(), Question::parse(question).unwrap());
        self.readings.ask(context, NewReading { id: None, advisor, question }).await
    }

    pub async fn wait(&self, context: &TenantContext, id: ReadingId) -> Reading {
        tokio::time::timeout(LONGEST, self.readings.wait(context, id)).await.unwrap().unwrap()
    }

    /// Everything behind `after`, to the end.
    pub async fn frames(&self, context: &TenantContext, id: ReadingId, after: Sequence) -> Vec<Frame> {
        let mut follower = self.readings.follow(context, id, after).await.unwrap();
        let mut frames = Vec::new();
        while let Some(frame) = tokio::time::timeout(LONGEST, follower.next()).await.unwrap().unwrap() {
            frames.push(frame);
        }
        frames
    }
}

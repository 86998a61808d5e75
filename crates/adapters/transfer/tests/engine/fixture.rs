//! A migrated database, two organisations with a member, a project and a folder each, and workers.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tempfile::TempDir;
use tenantry_identity::PlatformContext;
use tenantry_kernel::{Clock as _, OrganizationId, Page, PageRequest, Precondition, StorageError, Store, SystemIds};
use tenantry_migrations::{roles, up};
use tenantry_store::{Database, DatabaseUrl, SqlPool, StoreOptions};
use tenantry_sync::objects::{Crc64, ObjectError, ObjectStore, StoredObject};
use tenantry_sync::ports::{ObjectStores, RunQueue, SyncPolicy, SyncTransaction};
use tenantry_sync::{
    Claim, FileFilter, FileRecord, LocalDirectory, NewSyncSession, PatternSyntaxError, Patterns, ProfileName, Run,
    RunId, RunState, StartRun, SyncError, SyncSession, SyncSessionChange, SyncSessionId, SyncSessions, Uploads,
    WorkerName,
};
use tenantry_tenancy::{BucketName, Entrance, ProjectId, TenantContext};
use tenantry_testkit::objects::MemoryStore;
use tenantry_testkit::postgres::{TestDatabase, cluster};
use tenantry_testkit::{FixedClock, Person, StorePorts, World};
use tenantry_transfer::engine::{Bell, SyncWorker, TransferOptions, WorkerParts};
use tenantry_transfer::source::{AllowedRoot, RootScope, Roots};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// How long anything may take before the test gives up.
const LONGEST: Duration = Duration::from_secs(40);

/// A database with people in it, and folders to sync.
pub struct Site {
    pub database: Arc<Database>,
    pub world: World,
    pub clock: Arc<FixedClock>,
    pub uploads: Arc<Uploads>,
    pub sessions: SyncSessions,
    pub ada: Tenant,
    pub bob: Tenant,
    policy: Arc<EverythingBelow>,
    bell: Bell,
    pub raw: SqlPool,
    pub postgres: Option<TestDatabase>,
    folders: TempDir,
    _database_folder: Option<TempDir>,
}

/// A member of an organisation, with a project and a folder.
pub struct Tenant {
    pub person: Person,
    pub context: TenantContext,
    pub project_id: ProjectId,
    pub folder: PathBuf,
}

/// Both databases, or SQLite alone where there is no PostgreSQL.
pub async fn sites() -> Vec<Site> {
    let mut sites = vec![sqlite().await];
    sites.extend(postgres().await);
    sites
}

pub async fn sqlite() -> Site {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite://{}", folder.path().join("t.db").display());
    migrate(&url).await;
    let database = Database::new(&options(&url)).unwrap();
    let raw = Database::migrator_pool(&options(&url)).unwrap();
    Site::new(database, raw, None, Some(folder)).await
}

/// With the unprivileged logins of production.
pub async fn postgres() -> Option<Site> {
    let test = cluster().await?.database_from_template("engine", async |url| migrate(&url).await).await;
    let platform_url = Some(DatabaseUrl::parse(&test.platform_url).unwrap());
    let database = Database::new(&StoreOptions { platform_url, ..options(&test.app_url) }).unwrap();
    let raw = Database::migrator_pool(&options(&test.url)).unwrap();
    Some(Site::new(database, raw, Some(test), None).await)
}

fn options(url: &str) -> StoreOptions {
    StoreOptions { acquire_timeout: Duration::from_secs(5), ..StoreOptions::new(DatabaseUrl::parse(url).unwrap()) }
}

async fn migrate(url: &str) {
    let connection = Database::migrator(&options(url)).unwrap();
    roles::ensure_roles(&connection).await.unwrap();
    up(&connection, None).await.unwrap();
    connection.close().await.unwrap();
}

/// An engine that is quick to notice and small enough to be crowded.
pub fn quick() -> TransferOptions {
    TransferOptions {
        lease: Duration::from_secs(5),
        poll_interval: Duration::from_millis(50),
        drain: Duration::from_secs(1),
        memory_bytes: 4 << 20,
        whole_bytes: 128 << 10,
        part_bytes: 64 << 10,
        first_retry: Duration::from_millis(5),
        orphan_age: Duration::ZERO,
        ..TransferOptions::default()
    }
}

/// Any folder below one, and no bucket or profile but the server's own.
struct EverythingBelow(Arc<Roots>);

#[async_trait]
impl SyncPolicy for EverythingBelow {
    async fn allows_directory(&self, organization_id: OrganizationId, directory: &LocalDirectory) -> bool {
        self.0.check(organization_id, directory.as_str()).is_ok()
    }

    fn allows_bucket(&self, _: OrganizationId, bucket: Option<&BucketName>) -> bool {
        bucket.is_none()
    }

    fn allows_profile(&self, _: OrganizationId, _: &ProfileName) -> bool {
        false
    }

    async fn check_patterns(&self, _: &Patterns) -> Result<(), PatternSyntaxError> {
        Ok(())
    }
}

/// The one store that there is.
struct Only(Arc<dyn ObjectStore>);

#[async_trait]
impl ObjectStores for Only {
    async fn open(&self, _: Option<&BucketName>, _: Option<&ProfileName>) -> Result<Arc<dyn ObjectStore>, ObjectError> {
        Ok(Arc::clone(&self.0))
    }
}

impl Site {
    async fn new(
        database: Database,
        raw: SqlPool,
        postgres: Option<TestDatabase>,
        database_folder: Option<TempDir>,
    ) -> Self {
        let database = Arc::new(database);
        let world = World::new(StorePorts::of(&database));
        let folders = TempDir::new().unwrap();
        let path = folders.path().to_str().unwrap().to_owned();
        let roots = Roots::new(vec![AllowedRoot { path, scope: RootScope::All }], Vec::new()).unwrap();
        let policy = Arc::new(EverythingBelow(Arc::new(roots)));
        let (clock, ids, bell) = (world.clock.clone(), Arc::new(SystemIds), Bell::default());
        let uploads =
            Uploads::new(database.clone(), policy.clone(), Arc::new(bell.clone()), clock.clone(), ids.clone());
        let sessions = SyncSessions::new(database.clone(), policy.clone(), clock.clone(), ids);
        let (ada, bob) = (tenant(&world, folders.path()).await, tenant(&world, folders.path()).await);
        let uploads = Arc::new(uploads);
        Self {
            database,
            world,
            clock,
            uploads,
            sessions,
            ada,
            bob,
            policy,
            bell,
            raw,
            postgres,
            folders,
            _database_folder: database_folder,
        }
    }

    /// Another organisation.
    pub async fn newcomer(&self) -> Tenant {
        tenant(&self.world, self.folders.path()).await
    }

    pub fn memory(&self) -> Arc<MemoryStore> {
        Arc::new(MemoryStore::new(self.clock.clone()))
    }

    pub fn worker(&self, objects: Arc<dyn ObjectStore>) -> Worker {
        self.worker_with(objects, quick())
    }

    pub fn worker_with(&self, objects: Arc<dyn ObjectStore>, options: TransferOptions) -> Worker {
        self.worker_over(self.database.clone(), objects, options)
    }

    /// A worker that works through another door to the database.
    pub fn worker_over(
        &self,
        store: Arc<dyn Store<TenantContext, dyn SyncTransaction>>,
        objects: Arc<dyn ObjectStore>,
        options: TransferOptions,
    ) -> Worker {
        let worker = SyncWorker::new(WorkerParts {
            store,
            all: self.database.clone(),
            queue: self.database.clone(),
            entrance: Arc::new(Entrance::new(self.database.clone())),
            uploads: self.uploads.clone(),
            policy: self.policy.clone(),
            roots: self.policy.0.clone(),
            objects: Arc::new(Only(objects)),
            bell: self.bell.clone(),
            clock: self.clock.clone(),
            ids: Arc::new(SystemIds),
            platform: PlatformContext::system(),
            options,
        });
        let (stop, stopping) = watch::channel(false);
        Worker { task: tokio::spawn(worker.run(stopping)), stop }
    }

    pub async fn session(&self, tenant: &Tenant, adapt: impl FnOnce(&mut NewSyncSession)) -> SyncSession {
        let directory = LocalDirectory::parse(tenant.folder.to_str().unwrap()).unwrap();
        let mut new = NewSyncSession::of(tenant.project_id, directory);
        adapt(&mut new);
        self.sessions.create(&tenant.context, new).await.unwrap()
    }

    pub async fn change(&self, tenant: &Tenant, id: SyncSessionId, change: SyncSessionChange) {
        self.sessions.update(&tenant.context, id, change, &Precondition::default()).await.unwrap();
    }

    pub async fn start(&self, tenant: &Tenant, session: &SyncSession) -> RunId {
        self.start_with(tenant, session, |_| {}).await
    }

    pub async fn start_with(&self, tenant: &Tenant, session: &SyncSession, adapt: impl FnOnce(&mut StartRun)) -> RunId {
        let mut start = StartRun { id: None, session_id: session.id, dry_run: false, confirmed_deletions: 0 };
        adapt(&mut start);
        self.uploads.start(&tenant.context, start).await.unwrap().id
    }

    pub async fn run(&self, tenant: &Tenant, id: RunId) -> Run {
        self.uploads.status(&tenant.context, id).await.unwrap()
    }

    /// The run, once it is so.
    pub async fn when(&self, tenant: &Tenant, id: RunId, is_so: impl Fn(&Run) -> bool) -> Run {
        let since = Instant::now();
        loop {
            let run = self.run(tenant, id).await;
            if is_so(&run) {
                return run;
            }
            assert!(since.elapsed() < LONGEST, "{run:?}");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// The run, once it has ended.
    pub async fn ended(&self, tenant: &Tenant, id: RunId) -> Run {
        self.when(tenant, id, |run| !run.state.is_active()).await
    }

    /// Starts the session, and waits for the end.
    pub async fn go(&self, tenant: &Tenant, session: &SyncSession) -> Run {
        let id = self.start(tenant, session).await;
        self.ended(tenant, id).await
    }

    /// The same, and all must have gone well.
    pub async fn complete(&self, tenant: &Tenant, session: &SyncSession) -> Run {
        let run = self.go(tenant, session).await;
        assert_eq!((run.state, run.progress.files_failed), (RunState::Finished, 0), "{run:?}");
        assert_eq!(run.progress.bytes_uploaded, run.progress.total_bytes, "{run:?}");
        run
    }

    pub async fn find(&self, tenant: &Tenant, session: &SyncSession) -> SyncSession {
        self.sessions.find(&tenant.context, session.id).await.unwrap()
    }

    /// The session's files by path, at most a page of them.
    pub async fn files(&self, tenant: &Tenant, session: &SyncSession) -> BTreeMap<String, FileRecord> {
        let page = PageRequest::default();
        let files = self.sessions.files(&tenant.context, session.id, FileFilter::default(), &page).await;
        let files: Page<FileRecord> = files.unwrap();
        files.items.into_iter().map(|file| (file.path.to_string(), file)).collect()
    }

    pub async fn claim(&self, name: &str, lease: Duration) -> Option<Claim> {
        let worker = WorkerName::new(name.to_owned());
        self.database.claim(&worker, lease, 100, self.clock.now()).await.unwrap()
    }

    pub async fn reap(&self) -> u64 {
        self.database.reap(self.clock.now()).await.unwrap()
    }

    pub async fn retry(&self, tenant: &Tenant, id: RunId) -> Result<Run, SyncError> {
        self.uploads.retry(&tenant.context, id).await
    }

    /// Runs a statement as the owner of the tables.
    pub async fn execute(&self, sql: &'static str) {
        match &self.raw {
            SqlPool::Postgres(pool) => drop(sqlx::raw_sql(sql).execute(pool).await.unwrap()),
            SqlPool::Sqlite(pool) => drop(sqlx::raw_sql(sql).execute(pool).await.unwrap()),
        }
    }

    /// The number that a query answers.
    pub async fn number(&self, sql: &'static str) -> i64 {
        number(&self.raw, sql).await
    }

    /// The texts that a query answers.
    pub async fn texts(&self, sql: &'static str) -> Vec<String> {
        match &self.raw {
            SqlPool::Postgres(pool) => sqlx::query_scalar(sql).fetch_all(pool).await.unwrap(),
            SqlPool::Sqlite(pool) => sqlx::query_scalar(sql).fetch_all(pool).await.unwrap(),
        }
    }

    /// Waits until a query answers at least this.
    pub async fn reaches(&self, sql: &'static str, least: i64) {
        let since = Instant::now();
        while self.number(sql).await < least {
            assert!(since.elapsed() < LONGEST, "{sql}");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// All workers are thought dead.
    pub async fn expire_leases(&self) {
        self.execute("UPDATE sync_runs SET lease_until_ms = 0 WHERE state = 'started'").await;
    }
}

/// The number that a query answers.
pub async fn number(raw: &SqlPool, sql: &'static str) -> i64 {
    match raw {
        SqlPool::Postgres(pool) => sqlx::query_scalar(sql).fetch_one(pool).await.unwrap(),
        SqlPool::Sqlite(pool) => sqlx::query_scalar(sql).fetch_one(pool).await.unwrap(),
    }
}

/// A door to the database that can be held shut.
pub struct Door {
    database: Arc<Database>,
    is_shut: watch::Receiver<bool>,
}

impl Door {
    /// A door, and what shuts it.
    pub fn of(site: &Site) -> (Arc<Self>, watch::Sender<bool>) {
        let (shut, is_shut) = watch::channel(false);
        (Arc::new(Self { database: site.database.clone(), is_shut }), shut)
    }

    async fn pass(&self) -> &Database {
        let mut is_shut = self.is_shut.clone();
        // Whoever could shut it is gone, or it is open.
        drop(is_shut.wait_for(|is_shut| !is_shut).await);
        &self.database
    }
}

#[async_trait]
impl Store<TenantContext, dyn SyncTransaction> for Door {
    async fn read(&self, context: &TenantContext) -> Result<Box<dyn SyncTransaction>, StorageError> {
        Store::<TenantContext, dyn SyncTransaction>::read(self.pass().await, context).await
    }

    async fn begin(&self, context: &TenantContext) -> Result<Box<dyn SyncTransaction>, StorageError> {
        Store::<TenantContext, dyn SyncTransaction>::begin(self.pass().await, context).await
    }
}

async fn tenant(world: &World, folders: &Path) -> Tenant {
    let person = world.person().await;
    let context = person.owner.clone();
    let project = world.project(&context).await;
    let folder = folders.join(context.organization_id().to_string());
    fs::create_dir(&folder).unwrap();
    Tenant { person, context, project_id: project.id, folder }
}

/// A worker at work. Dropped, it dies on the spot.
pub struct Worker {
    task: JoinHandle<()>,
    stop: watch::Sender<bool>,
}

impl Worker {
    /// Tells it to stop, and waits until it has.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        (&mut self.task).await.unwrap();
    }

    /// It dies, wherever it is.
    pub async fn crash(mut self) {
        self.task.abort();
        // It was cancelled, as it was told.
        drop((&mut self.task).await);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Tenant {
    /// What all keys of the tenant begin with.
    pub fn prefix(&self) -> String {
        format!("{}/{}/", self.context.organization_id(), self.project_id)
    }

    /// Writes a file.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.folder.join(name)).unwrap();
    }

    /// All that objects must be: the size and the checksum of each file, by the bytes of its path.
    pub fn expected(&self) -> BTreeMap<Vec<u8>, (u64, String)> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.folder.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let bytes = fs::read(&path).unwrap();
                let below = path.strip_prefix(&self.folder).unwrap().as_os_str().as_bytes().to_vec();
                found.insert(below, (bytes.len().try_into().unwrap(), Crc64::of(&bytes).to_string()));
            }
        }
        found
    }

    /// What objects are, as [`Tenant::expected`] has it.
    pub fn stored(&self, objects: Vec<StoredObject>) -> BTreeMap<Vec<u8>, (u64, String)> {
        let prefix = self.prefix();
        let own = objects.into_iter().filter_map(|object| {
            let path = object.key.path_below(prefix.trim_end_matches('/'))?;
            Some((path.as_bytes().to_vec(), (object.size, object.checksum.unwrap().to_string())))
        });
        own.collect()
    }

    /// The objects are what the files are.
    pub fn assert_arrived(&self, store: &MemoryStore) {
        assert_eq!(self.stored(store.objects()), self.expected());
    }
}

/// Bytes that are no two times the same.
pub fn noise(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    fastrand::Rng::new().fill(&mut bytes);
    bytes
}

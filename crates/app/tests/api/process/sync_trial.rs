//! A folder that a server syncs, and what has to have come of it in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::{Value, json};
use tempfile::TempDir;
use tenantry_kernel::SystemClock;
use tenantry_sync::objects::{Crc64, ObjectKey, PartLimits};
use tenantry_testkit::environment;
use tenantry_testkit::objects::{
    ACCESS_KEY, BUCKET, Call, Fault, FaultyStore, MemoryStore, Operation, S3Server, SECRET_KEY,
};
use tokio::time::sleep;

use super::binary::{FAST, Server};
use crate::database::Database;
use crate::site::{PASSWORD, SECRET};

/// How long a job may take.
const LONGEST: Duration = Duration::from_mins(2);

/// The size of the parts of large files.
pub const PART: u64 = 8 << 20;

/// What is sent of a file in one piece is its part 0.
pub type Piece = (String, u32);

/// Where objects go.
pub enum Objects {
    /// To a folder of the server.
    Folder,
    /// To a bucket of a server in this process, which counts what it is sent.
    Bucket { server: S3Server, memory: Arc<MemoryStore>, sent: Arc<Mutex<BTreeMap<Piece, u64>>> },
}

impl Objects {
    pub async fn bucket() -> Self {
        let limits = PartLimits { max_put: 5 << 30, min_part: 5 << 20, max_part: 5 << 30, max_parts: 10_000 };
        let memory = Arc::new(MemoryStore::new(Arc::new(SystemClock)).with_limits(limits));
        let sent = Arc::new(Mutex::new(BTreeMap::<Piece, u64>::new()));
        let count = sent.clone();
        let counting = FaultyStore::new(memory.clone(), move |call: Call<'_>| {
            if matches!(call.operation, Operation::Put | Operation::UploadPart) {
                *lock(&count).entry((call.key.to_owned(), call.part)).or_default() += 1;
            }
            Fault::None
        });
        Self::Bucket { server: S3Server::over(Arc::new(counting)).await, memory, sent }
    }

    /// The settings that lead there.
    fn variables(&self) -> Vec<(&'static str, String)> {
        let Self::Bucket { server, .. } = self else { return Vec::new() };
        [
            ("TENANTRY__OBJECTS__KIND", "s3"),
            ("TENANTRY__OBJECTS__BUCKET", BUCKET),
            ("TENANTRY__OBJECTS__ENDPOINT", &server.endpoint),
            ("TENANTRY__OBJECTS__PATH_STYLE", "true"),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ]
        .map(|(name, value)| (name, value.to_owned()))
        .into()
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Random numbers, and what makes them the same again: `TEST_SEED`.
pub fn seeded() -> (Rng, u64) {
    let seed = environment::number("TEST_SEED").unwrap_or_else(|| Rng::new().u64(..));
    (Rng::with_seed(seed), seed)
}

/// The files of a trial: so many small ones, and so many large ones of this size or a little more.
#[derive(Clone, Copy)]
pub struct Files {
    pub small: usize,
    pub small_bytes: usize,
    pub large: usize,
    pub large_bytes: usize,
}

impl Files {
    fn names(self) -> impl Iterator<Item = (String, usize)> {
        let small = (0..self.small)
            .map(move |number| (format!("folder {}/small {number}", number % 7), self.small_bytes + number));
        small.chain((0..self.large).map(move |number| (format!("large {number}"), self.large_bytes + number)))
    }

    pub fn count(self) -> usize {
        self.small + self.large
    }
}

/// A server with a sync session.
pub struct Trial<'d> {
    pub database: &'d Database,
    pub objects: Objects,
    source: TempDir,
    files: Files,
    settings: Vec<(&'static str, String)>,
    arguments: &'static [&'static str],
    server: Option<Server>,
    token: String,
    organization: String,
    project: String,
    session: String,
}

impl<'d> Trial<'d> {
    /// Starts a server with these arguments and settings besides the usual ones.
    pub async fn prepare(
        database: &'d Database,
        objects: Objects,
        files: Files,
        workers: u16,
        (arguments, settings): (&'static [&'static str], &[(&'static str, &str)]),
    ) -> Self {
        let source = tempfile::tempdir().unwrap();
        let settings = settings.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let empty = String::new;
        let (token, organization, project, session) = (empty(), empty(), empty(), empty());
        let server = None;
        let mut trial = Self {
            database,
            objects,
            source,
            files,
            settings,
            arguments,
            server,
            token,
            organization,
            project,
            session,
        };
        trial.server = Some(trial.serve(tempfile::tempdir().unwrap()));
        trial.sign_up(workers).await;
        trial
    }

    async fn sign_up(&mut self, workers: u16) {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let account = json!({"email": "ada@example.com", "username": "ada-sync", "password": PASSWORD});
        let ada = self.ask("POST", "/auth/signup", Some(&account)).await.expect(201);
        (self.token, self.organization) = (text(&ada["access_token"]), text(&ada["organization"]["id"]));
        let project = self.ask("POST", "/projects", Some(&json!({"name": "p"}))).await.expect(201);
        self.project = text(&project["id"]);
        let directory = self.source.path().to_str().unwrap();
        let session = json!({"project_id": self.project, "local_directory": directory, "max_workers": workers});
        self.session = text(&self.ask("POST", "/sessions", Some(&session)).await.expect(201)["id"]);
    }

    /// The settings of the server; a worker of its own needs the same.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables: Vec<_> = FAST.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        variables.extend([
            ("SECRET_KEY", SECRET.to_owned()),
            ("TENANTRY__DATABASE__MIGRATE_ON_START", "false".to_owned()),
            ("TENANTRY__SYNC__ALLOWED_ROOTS", self.source.path().to_str().unwrap().to_owned()),
            ("TENANTRY__SYNC__ORPHAN_AGE_SECONDS", "0".to_owned()),
        ]);
        variables.extend(self.database.variables());
        variables.extend(self.objects.variables());
        variables.extend(self.settings.iter().cloned());
        variables
    }

    fn serve(&self, folder: TempDir) -> Server {
        let variables = self.variables();
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Server::start_with(folder, &variables, self.arguments)
    }

    async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> crate::answer::Answer {
        self.server.as_ref().unwrap().send(method, &format!("/api/v1{path}"), &self.token, body).await
    }

    /// New bytes for every file.
    pub fn fill(&self, rng: &mut Rng) {
        for (name, length) in self.files.names() {
            let mut bytes = vec![0; length];
            rng.fill(&mut bytes);
            let file = self.source.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, bytes).unwrap();
        }
    }

    /// From now on the session writes with the rights of this profile.
    pub async fn use_profile(&self, name: &str) {
        let change = json!({"aws_profile": name});
        self.ask("PATCH", &format!("/sessions/{}", self.session), Some(&change)).await.expect(200);
    }

    /// Starts the session, and answers where its job is.
    pub async fn start(&self) -> String {
        let job = self.ask("POST", "/uploads/start", Some(&json!({"session_id": self.session}))).await.expect(202);
        format!("/uploads/status/{}", job["job_id"].as_str().unwrap())
    }

    /// How far the job is; none while nobody can say.
    pub async fn status(&self, job: &str) -> Option<Value> {
        let answer = self.ask("GET", job, None).await;
        if answer.status == 503 { None } else { Some(answer.expect(200)) }
    }

    /// Waits until the job is so.
    pub async fn when(&self, job: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let asked = Instant::now();
        loop {
            let status = self.status(job).await;
            if let Some(status) = status.as_ref().filter(|status| is_so(status)) {
                return status.clone();
            }
            assert!(asked.elapsed() < LONGEST, "the job hangs: {status:?}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the job has ended, as it should.
    pub async fn ended(&self, job: &str) -> Value {
        let status = self.when(job, |status| !status["finished_at"].is_null()).await;
        assert_eq!((&status["status"], &status["files_failed"]), (&json!("finished"), &json!(0)), "{status}");
        assert_eq!(status["percent"], 100, "{status}");
        status
    }

    /// Kills the server.
    pub fn kill(&mut self) -> TempDir {
        let server = self.server.take().unwrap();
        server.signal("KILL");
        server.end().1
    }

    /// Starts it again on the same folder and database.
    pub fn start_again(&mut self, folder: TempDir) {
        self.server = Some(self.serve(folder));
    }

    /// Who holds the run that is under way.
    pub async fn is_under_way(&self) -> bool {
        let own = format!("{}-", self.server.as_ref().unwrap().id());
        let owners = self.database.texts("SELECT lease_owner FROM sync_runs WHERE state = 'started'").await;
        owners.iter().any(|owner| owner.starts_with(&own))
    }

    /// Fails unless the store has every file as it is, and no upload is left open.
    pub fn compare(&self, seed: u64) {
        match &self.objects {
            Objects::Folder => self.compare_folder(seed),
            Objects::Bucket { memory, .. } => self.compare_bucket(memory, seed),
        }
    }

    fn compare_folder(&self, seed: u64) {
        let store = self.server.as_ref().unwrap().folder().join("data/objects/default");
        let objects = store.join("objects").join(format!("{}.d/{}.d", self.organization, self.project));
        for (name, _) in self.files.names() {
            let object = match name.split_once('/') {
                Some((folder, name)) => objects.join(format!("{folder}.d")).join(name),
                None => objects.join(&name),
            };
            assert!(same(&self.source.path().join(&name), &object), "seed {seed}: {name}");
        }
        // A folder without data is no upload: it may be left by a death between two removals, and is swept one day.
        let uploads = fs::read_dir(store.join("uploads")).unwrap().map(|entry| entry.unwrap().path());
        let left: Vec<_> = uploads.filter(|upload| upload.join("data").exists()).collect();
        assert!(left.is_empty(), "seed {seed}: {left:?}");
    }

    fn compare_bucket(&self, memory: &MemoryStore, seed: u64) {
        let objects = memory.objects();
        assert_eq!(objects.len(), self.files.count(), "seed {seed}");
        for (name, _) in self.files.names() {
            let bytes = fs::read(self.source.path().join(&name)).unwrap();
            let key = ObjectKey::parse(&self.key(&name)).unwrap();
            let object = objects.iter().find(|object| object.key == key);
            let found = object.map(|object| (object.size, object.checksum));
            let size = u64::try_from(bytes.len()).unwrap();
            assert_eq!(found, Some((size, Some(Crc64::of(&bytes)))), "seed {seed}: {name}");
        }
        assert_eq!(memory.open_uploads(), 0, "seed {seed}");
    }

    fn key(&self, name: &str) -> String {
        format!("{}/{}/{name}", self.organization, self.project)
    }

    /// How often each piece was sent since the last word about it; nothing is known of folders.
    pub fn sent(&self) -> BTreeMap<Piece, u64> {
        match &self.objects {
            Objects::Folder => BTreeMap::new(),
            Objects::Bucket { sent, .. } => lock(sent).clone(),
        }
    }

    /// Counts anew.
    pub fn forget_sent(&self) {
        if let Objects::Bucket { sent, .. } = &self.objects {
            lock(sent).clear();
        }
    }

    /// What of `sent` was written down: whole files, and parts of others.
    pub async fn written_down(&self, sent: &BTreeMap<Piece, u64>) -> BTreeSet<Piece> {
        // Files that are uploaded have no parts any more.
        let written = "SELECT key || '#' FROM sync_files WHERE state = 'uploaded' UNION ALL \
             SELECT key || '#' || number FROM sync_parts JOIN sync_files ON sync_files.id = file_id";
        let written: BTreeSet<String> = self.database.texts(written).await.into_iter().collect();
        let is_written =
            |(key, part): &Piece| written.contains(&format!("{key}#")) || written.contains(&format!("{key}#{part}"));
        sent.keys().filter(|piece| is_written(piece)).cloned().collect()
    }

    /// How many bytes a piece has.
    pub fn bytes_of(&self, (key, part): &Piece) -> u64 {
        let prefix = self.key("");
        let size = fs::metadata(self.source.path().join(key.strip_prefix(&prefix).unwrap())).unwrap().len();
        if *part == 0 { size } else { (size - u64::from(part - 1) * PART).min(PART) }
    }
}

fn same(one: &Path, other: &Path) -> bool {
    fs::read(one).unwrap() == fs::read(other).unwrap_or_default()
}

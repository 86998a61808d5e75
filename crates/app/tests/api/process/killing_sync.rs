//! A server is killed again and again while it syncs: in the end every object is there, byte for byte, and nothing is
//! left lying about.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::{Value, json};
use tempfile::TempDir;
use tenantry_testkit::environment;
use tokio::time::sleep;

use super::binary::{FAST, Server};
use crate::database::Database;
use crate::site::{PASSWORD, SECRET};

/// Kills of one run of this test; `TEST_KILLS` for more.
const KILLS: u64 = 6;

const SMALL_FILES: usize = 400;
const LARGE_FILES: usize = 2;
/// A little more than three parts.
const LARGE: usize = 25 << 20;

#[tokio::test]
async fn u8_a_run_survives_kills_on_sqlite() {
    kill_again_and_again(&Database::sqlite().await).await;
}

#[tokio::test]
async fn u8_a_run_survives_kills_on_postgresql() {
    let Some(database) = Database::postgres().await else { return };
    kill_again_and_again(&database).await;
}

async fn kill_again_and_again(database: &Database) {
    let kills = environment::number("TEST_KILLS").unwrap_or(KILLS);
    let seed = environment::number("TEST_SEED").unwrap_or_else(|| Rng::new().u64(..));
    let mut rng = Rng::with_seed(seed);
    let source = tempfile::tempdir().unwrap();
    let mut trial = Trial::prepare(database, &source).await;
    let mut killed = 0;
    while killed < kills {
        fill(source.path(), &mut rng);
        killed += trial.run_to_its_end(&mut rng, kills - killed).await;
        trial.compare(source.path(), seed);
    }
}

/// New bytes for every file.
fn fill(folder: &Path, rng: &mut Rng) {
    let mut write = |name: String, length: usize| {
        let mut bytes = vec![0; length];
        rng.fill(&mut bytes);
        let file = folder.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    };
    for number in 0..SMALL_FILES {
        write(format!("folder {}/small {number}", number % 7), 100 + number);
    }
    for number in 0..LARGE_FILES {
        write(format!("large {number}"), LARGE + number);
    }
}

/// A server with a sync session.
struct Trial<'d> {
    database: &'d Database,
    root: String,
    server: Option<Server>,
    token: String,
    organization: String,
    project: String,
    session: String,
}

impl<'d> Trial<'d> {
    async fn prepare(database: &'d Database, source: &TempDir) -> Self {
        let root = source.path().to_str().unwrap().to_owned();
        let server = serve(database, tempfile::tempdir().unwrap(), &root);
        let account = json!({"email": "ada@example.com", "username": "ada-sync", "password": PASSWORD});
        let ada = server.send("POST", "/api/v1/auth/signup", "", Some(&account)).await.expect(201);
        let token = ada["access_token"].as_str().unwrap().to_owned();
        let project = server.send("POST", "/api/v1/projects", &token, Some(&json!({"name": "p"}))).await.expect(201);
        let project = project["id"].as_str().unwrap().to_owned();
        let session = json!({"project_id": project, "local_directory": root, "max_workers": 8});
        let session = server.send("POST", "/api/v1/sessions", &token, Some(&session)).await.expect(201);
        let organization = ada["organization"]["id"].as_str().unwrap().to_owned();
        let session = session["id"].as_str().unwrap().to_owned();
        Self { database, root, server: Some(server), token, organization, project, session }
    }

    async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> crate::answer::Answer {
        self.server.as_ref().unwrap().send(method, &format!("/api/v1{path}"), &self.token, body).await
    }

    /// Starts the session and kills the server up to so many times until the job has ended; tells how many it were.
    async fn run_to_its_end(&mut self, rng: &mut Rng, most: u64) -> u64 {
        let job = self.ask("POST", "/uploads/start", Some(&json!({"session_id": self.session}))).await.expect(202);
        let path = format!("/uploads/status/{}", job["job_id"].as_str().unwrap());
        let mut kills = 0;
        // Five deaths in a row would have the run given up.
        while kills < most.min(4) {
            sleep(Duration::from_millis(rng.u64(..700))).await;
            if !self.ask("GET", &path, None).await.expect(200)["finished_at"].is_null() {
                break;
            }
            self.kill();
            kills += 1;
        }
        let asked = Instant::now();
        loop {
            let status = self.ask("GET", &path, None).await.expect(200);
            if !status["finished_at"].is_null() {
                assert_eq!((&status["status"], &status["files_failed"]), (&json!("finished"), &json!(0)), "{status}");
                assert_eq!(status["percent"], 100, "{status}");
                return kills;
            }
            assert!(asked.elapsed() < Duration::from_mins(2), "the job does not end: {status}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Kills the server, and starts it again on the same folder and database.
    fn kill(&mut self) {
        let server = self.server.take().unwrap();
        server.signal("KILL");
        let (_, folder, _) = server.end();
        self.server = Some(serve(self.database, folder, &self.root));
    }

    /// Fails unless the store has every file as it is, and no upload is left open.
    fn compare(&self, source: &Path, seed: u64) {
        let store = self.server.as_ref().unwrap().folder().join("data/objects/default");
        let objects = store.join("objects").join(format!("{}.d/{}.d", self.organization, self.project));
        for number in 0..SMALL_FILES {
            let (folder, name) = (format!("folder {}", number % 7), format!("small {number}"));
            let object = objects.join(format!("{folder}.d")).join(&name);
            assert!(same(&source.join(folder).join(&name), &object), "seed {seed}: {name}");
        }
        for number in 0..LARGE_FILES {
            let name = format!("large {number}");
            assert!(same(&source.join(&name), &objects.join(&name)), "seed {seed}: {name}");
        }
        let left: Vec<_> = fs::read_dir(store.join("uploads")).unwrap().collect();
        assert!(left.is_empty(), "seed {seed}: {left:?}");
    }
}

fn same(one: &Path, other: &Path) -> bool {
    fs::read(one).unwrap() == fs::read(other).unwrap_or_default()
}

fn serve(database: &Database, folder: TempDir, root: &str) -> Server {
    let database = database.variables();
    let mut variables = FAST.to_vec();
    variables.extend([
        ("SECRET_KEY", SECRET),
        ("TENANTRY__DATABASE__MIGRATE_ON_START", "false"),
        ("TENANTRY__SYNC__ALLOWED_ROOTS", root),
        ("TENANTRY__SYNC__LEASE_SECONDS", "2"),
        ("TENANTRY__SYNC__ORPHAN_AGE_SECONDS", "0"),
        // Held back a little, so that there is something to kill.
        ("TENANTRY__SYNC__BANDWIDTH_KIB_PER_SECOND", "40000"),
    ]);
    variables.extend(database.iter().map(|(name, value)| (*name, value.as_str())));
    Server::start(folder, &variables)
}

//! A server is killed again and again while a client sends it a file: the client goes on each time from where the server
//! says, and in the end the object is there, byte for byte.

use std::time::{Duration, Instant};
use std::{fs, io};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use fastrand::Rng;
use serde_json::{Value, json};
use tenantry_sync::objects::Crc64;
use tenantry_testkit::environment;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::binary::{FAST, Server};
use crate::database::Database;
use crate::site::{PASSWORD, SECRET};

/// Kills of one run of this test; `TEST_KILLS` for more.
const KILLS: u64 = 6;

const SIZE: usize = 60 << 20;

#[tokio::test]
async fn u8_a_file_survives_kills_on_sqlite() {
    kill_again_and_again(&Database::sqlite().await).await;
}

#[tokio::test]
async fn u8_a_file_survives_kills_on_postgresql() {
    let Some(database) = Database::postgres().await else { return };
    kill_again_and_again(&database).await;
}

/// A server with a file that is to be sent to it.
struct Trial<'d> {
    database: &'d Database,
    server: Option<Server>,
    token: String,
    /// Where to.
    path: String,
}

async fn kill_again_and_again(database: &Database) {
    let kills = environment::number("TEST_KILLS").unwrap_or(KILLS);
    let seed = environment::number("TEST_SEED").unwrap_or_else(|| Rng::new().u64(..));
    let mut rng = Rng::with_seed(seed);
    let mut bytes = vec![0; SIZE];
    rng.fill(&mut bytes);
    let (mut trial, job, object) = Trial::prepare(database, &bytes).await;
    for _ in 0..kills {
        let there = trial.offset(seed, &bytes).await;
        let sending = trial.send(there, &bytes);
        let killed = async {
            sleep(Duration::from_millis(rng.u64(20..400))).await;
            trial.server.as_ref().unwrap().signal("KILL");
        };
        let (sent, ()) = tokio::join!(sending, killed);
        assert!(sent.is_err() || sent.is_ok_and(|status| status == "204"), "seed {seed}");
        trial.restart();
    }
    let begun = Instant::now();
    loop {
        let there = trial.offset(seed, &bytes).await;
        if there == bytes.len() {
            break;
        }
        assert_eq!(trial.send(there, &bytes).await.unwrap(), "204", "seed {seed}");
        assert!(begun.elapsed() < Duration::from_mins(1), "seed {seed}: the file does not arrive");
    }
    let store = trial.server.as_ref().unwrap().folder().join("data/objects/default");
    assert!(fs::read(store.join("objects").join(object)).unwrap() == bytes, "seed {seed}");
    let done = trial.ask("POST", &format!("/uploads/{job}/finish"), Some(&json!({}))).await;
    let counts = ["total_files", "files_uploaded", "files_failed", "bytes_uploaded"].map(|name| &done[name]);
    assert_eq!(counts, [json!(1), json!(1), json!(0), json!(SIZE)].each_ref(), "seed {seed}: {done}");
    let left = fs::read_dir(store.join("uploads")).unwrap().count();
    assert_eq!(left, 0, "seed {seed}");
}

impl<'d> Trial<'d> {
    /// The trial, the job, and where the object is to be.
    async fn prepare(database: &'d Database, bytes: &[u8]) -> (Self, String, String) {
        let server = serve(database, tempfile::tempdir().unwrap());
        let account = json!({"email": "ada@example.com", "username": "ada-tus", "password": PASSWORD});
        let ada = server.send("POST", "/api/v1/auth/signup", "", Some(&account)).await.expect(201);
        let token = ada["access_token"].as_str().unwrap().to_owned();
        let mut trial = Self { database, server: Some(server), token, path: String::new() };
        let project = trial.ask("POST", "/projects", Some(&json!({"name": "p"}))).await["id"].clone();
        let job = trial.ask("POST", "/uploads/direct", Some(&json!({"project_id": project}))).await;
        let job = job["job_id"].as_str().unwrap().to_owned();
        let metadata = [("job_id", job.clone()), ("path", "f".to_owned()), ("crc64nvme", Crc64::of(bytes).to_string())];
        let metadata = metadata.map(|(name, value)| format!("{name} {}", STANDARD.encode(value))).join(",");
        let created = trial.request("POST", "/api/v1/uploads/tus").header("upload-metadata", metadata);
        let created = created.header("upload-length", bytes.len().to_string()).send().await.unwrap();
        assert_eq!(created.status(), 201);
        trial.path = created.headers()["location"].to_str().unwrap().to_owned();
        let organization = ada["organization"]["id"].as_str().unwrap();
        let object = format!("{organization}.d/{}.d/f", project.as_str().unwrap());
        (trial, job, object)
    }

    async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let answer = self.server.as_ref().unwrap().send(method, &format!("/api/v1{path}"), &self.token, body).await;
        assert!(answer.status < 300, "{answer}");
        answer.json()
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.server.as_ref().unwrap().address);
        let request = tenantry_testkit::http_client().request(method.parse().unwrap(), url);
        request.bearer_auth(&self.token).header("tus-resumable", "1.0.0")
    }

    /// How much has arrived: what the store has are these bytes.
    async fn offset(&self, seed: u64, bytes: &[u8]) -> usize {
        let head = self.request("HEAD", &self.path).send().await.unwrap();
        assert_eq!(head.status(), 200, "seed {seed}");
        let there: usize = head.headers()["upload-offset"].to_str().unwrap().parse().unwrap();
        let uploads = self.server.as_ref().unwrap().folder().join("data/objects/default/uploads");
        // A kill may have left one behind that was begun and not written down.
        let mut begun = fs::read_dir(uploads).into_iter().flatten().flatten();
        let has_arrived =
            begun.any(|upload| fs::read(upload.path().join("data")).unwrap().starts_with(&bytes[..there]));
        assert!(has_arrived || there == 0 || there == bytes.len(), "seed {seed}: {there}");
        there
    }

    /// Sends what is missing, not too fast; answers the status, if one comes.
    async fn send(&self, offset: usize, bytes: &[u8]) -> io::Result<String> {
        let rest = &bytes[offset..];
        let address = self.server.as_ref().unwrap().address.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await?;
        let head = format!(
            "PATCH {} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ntus-resumable: 1.0.0\r\nupload-offset: {offset}\r\n\
             content-type: application/offset+octet-stream\r\ncontent-length: {}\r\n\r\n",
            self.path,
            self.token,
            rest.len()
        );
        stream.write_all(head.as_bytes()).await?;
        for piece in rest.chunks(256 << 10) {
            stream.write_all(piece).await?;
            sleep(Duration::from_millis(2)).await;
        }
        let mut status = [0; 12];
        stream.read_exact(&mut status).await?;
        Ok(String::from_utf8_lossy(&status[9..]).into_owned())
    }

    /// Starts the server again, which was killed, on the same folder and database.
    fn restart(&mut self) {
        let (_, folder, _) = self.server.take().unwrap().end();
        self.server = Some(serve(self.database, folder));
    }
}

fn serve(database: &Database, folder: tempfile::TempDir) -> Server {
    let database = database.variables();
    let mut variables = FAST.to_vec();
    variables.extend([("SECRET_KEY", SECRET), ("TENANTRY__DATABASE__MIGRATE_ON_START", "false")]);
    variables.extend([("TENANTRY__SYNC__ORPHAN_AGE_SECONDS", "0")]);
    variables.extend(database.iter().map(|(name, value)| (*name, value.as_str())));
    Server::start(folder, &variables)
}

//! A server, somebody with a project and a key, and pushes of a folder.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tenantry_kernel::SystemClock;
use tenantry_sync::objects::Crc64;
use tenantry_testkit::objects::{ACCESS_KEY, BUCKET, MemoryStore, S3Server, SECRET_KEY};

/// Settings under which nothing takes long, and nobody is held up.
const FAST: [(&str, &str); 6] = [
    ("TENANTRY_ENV", "test"),
    ("TENANTRY__AUTH__BCRYPT_COST", "4"),
    ("TENANTRY__SERVER__PORT", "0"),
    ("TENANTRY__RATE_LIMIT__PER_ADDRESS_PER_MINUTE", "0"),
    ("TENANTRY__RATE_LIMIT__PER_USER_PER_MINUTE", "0"),
    ("TENANTRY__RATE_LIMIT__PER_ORGANIZATION_PER_MINUTE", "0"),
];

/// Where objects are kept.
pub enum Store {
    Folder,
    S3 { memory: Arc<MemoryStore>, server: S3Server },
}

impl Store {
    pub async fn s3() -> Self {
        let memory = Arc::new(MemoryStore::new(Arc::new(SystemClock)));
        Self::S3 { server: S3Server::over(memory.clone()).await, memory }
    }

    fn variables(&self) -> Vec<(&str, &str)> {
        match self {
            Self::Folder => Vec::new(),
            Self::S3 { server, .. } => vec![
                ("TENANTRY__OBJECTS__KIND", "s3"),
                ("TENANTRY__OBJECTS__BUCKET", BUCKET),
                ("TENANTRY__OBJECTS__ENDPOINT", &server.endpoint),
                ("TENANTRY__OBJECTS__REGION", "us-east-1"),
                ("TENANTRY__OBJECTS__PATH_STYLE", "true"),
                ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
                ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
            ],
        }
    }
}

/// Somebody with an organisation, a project and a key.
pub struct Person {
    pub organization: String,
    pub project: String,
    pub key: String,
}

pub struct Site {
    child: Child,
    _output: BufReader<ChildStdout>,
    home: TempDir,
    pub address: String,
    pub store: Store,
    pub folder: TempDir,
    pub person: Person,
}

impl Site {
    pub async fn start(store: Store) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_tenantry"))
            .env_clear()
            .envs(FAST)
            .envs(store.variables())
            .current_dir(home.path())
            .arg("serve")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(home.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut greeting = String::new();
        while !greeting.contains("  Docs  ") {
            let log = || fs::read_to_string(home.path().join("log")).unwrap();
            assert_ne!(output.read_line(&mut greeting).unwrap(), 0, "{greeting}{}", log());
        }
        let address = greeting.split_whitespace().find_map(|word| word.strip_suffix("/api/v1")).unwrap().to_owned();
        let person = sign_up(&address, "ada").await;
        Self { child, _output: output, home, address, store, folder: tempfile::tempdir().unwrap(), person }
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub fn write(&self, path: &str, bytes: &[u8]) {
        let file = self.at(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }

    pub fn write_random(&self, path: &str, length: usize) {
        let mut bytes = vec![0; length];
        fastrand::Rng::new().fill(&mut bytes);
        self.write(path, &bytes);
    }

    /// The command, in the name of the site's own person.
    pub fn push(&self, more: &[&str]) -> Command {
        self.push_as(&self.person.key, &self.person.project, more)
    }

    pub fn push_as(&self, key: &str, project: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
        command
            .env_clear()
            .env("TENANTRY_API_KEY", key)
            .env("XDG_CACHE_HOME", self.home.path().join("cache"))
            .current_dir(self.home.path())
            .arg("push")
            .arg(self.folder.path())
            .args(["--project", project, "--server", &self.address])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Pushes, and answers the events, the last of which tells what came of it.
    pub fn run_well(&self, more: &[&str]) -> Vec<Value> {
        let output = self.push(&[&["--json"], more].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}\n{}", stderr(&output), self.log());
        let events = events(&output.stdout);
        assert_eq!(events.last().unwrap()["event"], "done");
        events
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("log")).unwrap()
    }

    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        ask(&self.address, method, path, &self.person.key, body).await
    }

    /// Fails unless the store has just the files of the folder, byte for byte.
    pub fn compare(&self) {
        let mut files = BTreeMap::new();
        for file in files_below(self.folder.path()) {
            let path = file.strip_prefix(self.folder.path()).unwrap().to_str().unwrap();
            let key = format!("{}/{}/{path}", self.person.organization, self.person.project);
            files.insert(key, fs::read(&file).unwrap());
        }
        match &self.store {
            Store::Folder => {
                let objects = self.home.path().join("data/objects/default/objects");
                let mut found = BTreeMap::new();
                for file in files_below(&objects) {
                    // Folders of objects are told from objects by the ends of their names.
                    let key = file.strip_prefix(&objects).unwrap().to_str().unwrap().replace(".d/", "/");
                    found.insert(key, fs::read(&file).unwrap());
                }
                assert!(found == files, "{:?}\n{:?}", found.keys(), files.keys());
            }
            Store::S3 { memory, .. } => {
                let objects = memory.objects().into_iter();
                let found: BTreeMap<_, _> =
                    objects.map(|object| (object.key.to_string(), (object.size, object.checksum))).collect();
                let expected: BTreeMap<_, _> = files
                    .into_iter()
                    .map(|(key, bytes)| (key, (u64::try_from(bytes.len()).unwrap(), Some(Crc64::of(&bytes)))))
                    .collect();
                assert_eq!(found, expected);
                assert_eq!(memory.open_uploads(), 0);
            }
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Somebody new, with a project and a key.
pub async fn sign_up(address: &str, name: &str) -> Person {
    let account = json!({"email": format!("{name}@example.com"), "password": "correct horse battery"});
    let (status, account) = ask(address, Method::POST, "/auth/signup", "", Some(&account)).await;
    assert_eq!(status, 201, "{account}");
    let token = account["access_token"].as_str().unwrap();
    let (status, project) = ask(address, Method::POST, "/projects", token, Some(&json!({"name": "p"}))).await;
    assert_eq!(status, 201, "{project}");
    let new = json!({"name": "push", "scopes": ["sync:write"]});
    let (status, key) = ask(address, Method::POST, "/auth/api-keys", token, Some(&new)).await;
    assert_eq!(status, 201, "{key}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Person { organization: text(&account["organization"]["id"]), project: text(&project["id"]), key: text(&key["key"]) }
}

async fn ask(address: &str, method: Method, path: &str, token: &str, body: Option<&Value>) -> (u16, Value) {
    let request = tenantry_testkit::http_client().request(method, format!("{address}/api/v1{path}"));
    let request = if token.is_empty() { request } else { request.bearer_auth(token) };
    let request = if let Some(body) = body { request.json(body) } else { request };
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let (mut files, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() { open.push(entry.path()) } else { files.push(entry.path()) }
        }
    }
    files
}

/// Each line of the output, all of which are JSON.
pub fn events(stdout: &[u8]) -> Vec<Value> {
    let text = str::from_utf8(stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

//! A folder, and pushes of it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tenantry_client::api::Api;
use tenantry_client::push::{Event, Options, Passed, Push, PushError, PushParts, Reporter, Stop, Target};
use tenantry_client::{Connection, ServerUrl};
use tenantry_kernel::{SystemClock, SystemIds};

use crate::fake::{Fake, KEY, Kind, PROJECT};

/// What was told.
#[derive(Default)]
pub struct Told(Mutex<Vec<Value>>);

impl Reporter for Told {
    fn tell(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(serde_json::to_value(event).unwrap());
    }
}

impl Told {
    /// What was told of this kind.
    pub fn of(&self, kind: &str) -> Vec<Value> {
        self.0.lock().unwrap().iter().filter(|event| event["event"] == kind).cloned().collect()
    }
}

pub struct Trial {
    pub fake: Fake,
    pub folder: TempDir,
    pub cache: TempDir,
    pub told: Arc<Told>,
}

impl Trial {
    pub async fn new(kind: Kind) -> Self {
        let fake = Fake::start(kind).await;
        let folder = tempfile::tempdir().unwrap();
        Self { fake, folder, cache: tempfile::tempdir().unwrap(), told: Arc::default() }
    }

    pub fn at(&self, path: impl AsRef<[u8]>) -> PathBuf {
        self.folder.path().join(OsStr::from_bytes(path.as_ref()))
    }

    pub fn write(&self, path: impl AsRef<[u8]>, bytes: &[u8]) {
        let file = self.at(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }

    /// A file of so many bytes that are like no others.
    pub fn write_random(&self, path: &str, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        fastrand::Rng::new().fill(&mut bytes);
        self.write(path, &bytes);
        bytes
    }

    pub fn options(&self) -> Options {
        Options {
            first_retry: Duration::from_millis(5),
            cache: Some(self.cache.path().to_owned()),
            ..Options::default()
        }
    }

    pub fn push(&self, options: Options) -> Push {
        let target =
            Target { directory: self.folder.path().to_owned(), project_id: PROJECT, cycle_id: None, prefix: None };
        self.push_to(target, options)
    }

    pub fn push_to(&self, target: Target, options: Options) -> Push {
        let connection = Connection::new(options.jobs).unwrap();
        let server: ServerUrl = self.fake.address.parse().unwrap();
        Push::new(PushParts {
            api: Api::new(connection.clone(), server, &KEY.parse().unwrap()).unwrap(),
            connection,
            server: self.fake.address.clone(),
            target,
            options,
            reporter: self.told.clone(),
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
        })
        .unwrap()
    }

    /// A whole push by a process of its own.
    pub async fn run(&self, options: Options) -> Result<Passed, PushError> {
        let (_stopper, stop) = Stop::new();
        tokio::time::timeout(Duration::from_mins(2), self.push(options).once(&stop)).await.unwrap()
    }

    /// A push after which all is there.
    pub async fn run_well(&self) -> Passed {
        let passed = self.run(self.options()).await.unwrap();
        assert_eq!(passed.counts.files_failed, 0, "{:?}", self.told.of("file"));
        self.compare();
        passed
    }

    /// Fails unless the store has just the files of the folder.
    pub fn compare(&self) {
        let mut files = BTreeMap::new();
        let mut open = vec![self.folder.path().to_owned()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() {
                    open.push(entry.path());
                } else {
                    let path = entry.path().strip_prefix(self.folder.path()).unwrap().as_os_str().as_bytes().to_vec();
                    files.insert(path, fs::read(entry.path()).unwrap());
                }
            }
        }
        let objects = &self.fake.state().objects;
        assert_eq!(objects.keys().collect::<Vec<_>>(), files.keys().collect::<Vec<_>>());
        for (path, bytes) in &files {
            assert!(objects[path] == *bytes, "{}", String::from_utf8_lossy(path));
        }
    }
}

//! Cycles, sync sessions and their runs.

use std::collections::HashMap;
use std::error::Error;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tenantry_application::RUN_QUEUE;
use tenantry_http::Services;
use tenantry_identity::PlatformContext;
use tenantry_jobs::Doorbell;
use tenantry_kernel::{Clock, IdGenerator, OrganizationId};
use tenantry_objects::{
    Addressing, BodySigning, Encryption, FolderStore, HttpPool, HttpPoolOptions, Integrity, S3Credentials, S3Options,
    S3SetupError, S3Store,
};
use tenantry_store::Database;
use tenantry_sync::objects::{ObjectError, ObjectStore};
use tenantry_sync::ports::{ObjectStores, SyncPolicy};
use tenantry_sync::{Cycles, LocalDirectory, ProfileName, SyncSessions, Uploads};
use tenantry_tenancy::BucketName;
use tenantry_transfer::engine::{Bell, SyncWorker, TransferOptions, WorkerParts};
use tenantry_transfer::source::{AllowedRoot, RootScope, Roots};

use super::doorbell::RunsBell;
use super::ground::Ground;
use crate::failure::Failure;
use crate::settings::{Allowance, ObjectsKind, ObjectsSettings, Settings, SyncSettings};

/// The use cases, and what their worker is made of.
pub(super) struct SyncParts {
    pub cycles: Arc<Cycles>,
    pub sessions: Arc<SyncSessions>,
    pub uploads: Arc<Uploads>,
    policy: Arc<OperatorPolicy>,
    objects: Arc<ConfiguredStores>,
    bell: Bell,
    store: Arc<Database>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl SyncParts {
    pub fn new(ground: &Ground<'_>, doorbell: &Doorbell) -> Result<Self, Failure> {
        let Ground { settings, store, clock, ids, .. } = ground;
        let policy = Arc::new(OperatorPolicy::new(settings)?);
        let sessions = SyncSessions::new(store.clone(), policy.clone(), clock.clone(), ids.clone());
        let bell = Arc::new(RunsBell(doorbell.clone()));
        let uploads = Uploads::new(store.clone(), policy.clone(), bell, clock.clone(), ids.clone());
        Ok(Self {
            cycles: Arc::new(Cycles::new(store.clone(), clock.clone(), ids.clone())),
            sessions: Arc::new(sessions),
            uploads: Arc::new(uploads),
            policy,
            objects: Arc::new(ConfiguredStores::new(ground)?),
            bell: Bell::from(doorbell.of_queue(RUN_QUEUE)),
            store: store.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
        })
    }

    /// The worker that does the runs.
    pub fn worker(&self, services: &Services, settings: &Settings) -> SyncWorker {
        SyncWorker::new(WorkerParts {
            store: self.store.clone(),
            all: self.store.clone(),
            queue: self.store.clone(),
            entrance: services.entrance.clone(),
            uploads: self.uploads.clone(),
            policy: self.policy.clone(),
            roots: self.policy.roots.clone(),
            objects: self.objects.clone(),
            bell: self.bell.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            platform: PlatformContext::system(),
            options: transfer_options(&settings.sync),
        })
    }
}

fn transfer_options(sync: &SyncSettings) -> TransferOptions {
    TransferOptions {
        runs: sync.concurrent_runs,
        runs_of_one: sync.concurrent_runs_per_organization,
        lease: sync.lease,
        memory_bytes: u64::from(sync.memory_mib) << 20,
        bytes_per_second: Some(u64::from(sync.bandwidth_kib_per_second) << 10).filter(|rate| *rate > 0),
        orphan_age: sync.orphan_age,
        ..TransferOptions::default()
    }
}

/// What the operator's settings let organisations use.
struct OperatorPolicy {
    roots: Arc<Roots>,
    buckets: Vec<Allowance>,
    profiles: Vec<Allowance>,
}

impl OperatorPolicy {
    fn new(settings: &Settings) -> Result<Self, Failure> {
        let allowed = settings.sync.allowed_roots.iter().map(|root| AllowedRoot {
            path: root.name.clone(),
            scope: root.organization_id.map_or(RootScope::All, |only| RootScope::Only(vec![only])),
        });
        let roots = Roots::new(allowed.collect(), own_folders(settings)).map_err(Failure::configuration)?;
        Ok(Self {
            roots: Arc::new(roots),
            buckets: settings.sync.allowed_buckets.clone(),
            profiles: settings.sync.allowed_profiles.clone(),
        })
    }
}

/// What the server itself writes to, which is nobody's to read.
fn own_folders(settings: &Settings) -> Vec<PathBuf> {
    let data = &settings.data.directory;
    let database = settings.database_url().sqlite_path().and_then(Path::parent).map(Path::to_owned);
    let others = [settings.mail.directory(data), settings.objects.directory(data), PathBuf::from("config")];
    let folders = others.into_iter().chain([data.clone()]).chain(database);
    folders.filter(|folder| !folder.as_os_str().is_empty()).collect()
}

#[async_trait]
impl SyncPolicy for OperatorPolicy {
    async fn allows_directory(&self, organization_id: OrganizationId, directory: &LocalDirectory) -> bool {
        let (roots, directory) = (self.roots.clone(), directory.as_str().to_owned());
        let checked = tokio::task::spawn_blocking(move || roots.check(organization_id, &directory)).await;
        matches!(checked, Ok(Ok(())))
    }

    fn allows_bucket(&self, organization_id: OrganizationId, bucket: Option<&BucketName>) -> bool {
        bucket.is_none_or(|bucket| is_allowed(&self.buckets, organization_id, bucket.as_str()))
    }

    fn allows_profile(&self, organization_id: OrganizationId, profile: &ProfileName) -> bool {
        is_allowed(&self.profiles, organization_id, profile.as_str())
    }
}

fn is_allowed(allowances: &[Allowance], organization_id: OrganizationId, name: &str) -> bool {
    allowances.iter().any(|allowance| allowance.covers(organization_id, name))
}

/// A bucket and a profile, either of which may be the server's own.
type StoreName = (Option<String>, Option<String>);

/// The object stores that the settings describe. Each is opened once.
struct ConfiguredStores {
    settings: ObjectsSettings,
    directory: PathBuf,
    pool: HttpPool,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
    opened: Mutex<HashMap<StoreName, Arc<dyn ObjectStore>>>,
}

impl ConfiguredStores {
    fn new(ground: &Ground<'_>) -> Result<Self, Failure> {
        let settings = &ground.settings.objects;
        Ok(Self {
            settings: settings.clone(),
            directory: settings.directory(&ground.settings.data.directory),
            pool: HttpPool::new(&HttpPoolOptions::default()).map_err(Failure::configuration)?,
            clock: ground.clock(),
            ids: ground.ids(),
            opened: Mutex::new(HashMap::new()),
        })
    }

    async fn connect(&self, (bucket, profile): StoreName) -> Result<Arc<dyn ObjectStore>, ObjectError> {
        match self.settings.kind {
            ObjectsKind::Directory => self.open_folder(bucket).await,
            ObjectsKind::S3 => {
                let bucket = bucket.or_else(|| self.settings.bucket.clone()).unwrap_or_default();
                let store = S3Store::connect(self.s3_options(bucket, profile), &self.pool).await;
                Ok(Arc::new(store.map_err(refused)?))
            }
        }
    }

    async fn open_folder(&self, bucket: Option<String>) -> Result<Arc<dyn ObjectStore>, ObjectError> {
        let path = match bucket {
            None => self.directory.join("default"),
            Some(bucket) => self.directory.join("buckets").join(bucket),
        };
        let (clock, ids) = (self.clock.clone(), self.ids.clone());
        let needed = self.settings.has_own_directory().then(|| self.directory.clone());
        let opened = tokio::task::spawn_blocking(move || {
            if let Some(missing) = needed.filter(|folder| !folder.is_dir()) {
                return Err(unavailable(format!("{} is not there", missing.display()).into()));
            }
            DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(|error| unavailable(error.into()))?;
            FolderStore::open(&path, clock, ids).map_err(|error| unavailable(error.into()))
        });
        let store = opened.await.map_err(|error| ObjectError::Internal(error.into()))??;
        Ok(Arc::new(store))
    }

    fn s3_options(&self, bucket: String, profile: Option<String>) -> S3Options {
        let settings = &self.settings;
        S3Options {
            region: settings.region.clone(),
            endpoint: settings.endpoint.clone(),
            addressing: if settings.path_style { Addressing::Path } else { Addressing::Host },
            credentials: profile.map_or(S3Credentials::Machine, S3Credentials::Profile),
            storage_class: settings.storage_class.clone(),
            encryption: settings.encryption.as_deref().map(|kind| match kind {
                "aws:kms" => Encryption::Kms { key_id: settings.kms_key_id.clone() },
                _ => Encryption::Store,
            }),
            integrity: if settings.checksum == "md5" { Integrity::Md5 } else { Integrity::Crc64 },
            signing: if settings.sign_bodies { BodySigning::Signed } else { BodySigning::Unsigned },
            ..S3Options::new(bucket)
        }
    }
}

fn unavailable(error: Box<dyn Error + Send + Sync>) -> ObjectError {
    ObjectError::Unavailable(error)
}

fn refused(error: S3SetupError) -> ObjectError {
    ObjectError::Refused { reason: error.to_string(), source: error.into() }
}

#[async_trait]
impl ObjectStores for ConfiguredStores {
    async fn open(
        &self,
        bucket: Option<&BucketName>,
        profile: Option<&ProfileName>,
    ) -> Result<Arc<dyn ObjectStore>, ObjectError> {
        let name = (bucket.map(|name| name.as_str().to_owned()), profile.map(|name| name.as_str().to_owned()));
        let known = self.opened.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        if let Some(store) = known {
            return Ok(store);
        }
        let store = self.connect(name.clone()).await?;
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(opened.entry(name).or_insert(store).clone())
    }
}

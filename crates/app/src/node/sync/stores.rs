//! The object stores that the settings describe.

use std::collections::HashMap;
use std::error::Error;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tenantry_kernel::{Clock, IdGenerator};
use tenantry_objects::{
    Addressing, BodySigning, Encryption, FolderStore, HttpPool, HttpPoolOptions, Integrity, S3Credentials, S3Options,
    S3SetupError, S3Store,
};
use tenantry_sync::ProfileName;
use tenantry_sync::objects::{ObjectError, ObjectStore};
use tenantry_sync::ports::ObjectStores;
use tenantry_tenancy::BucketName;

use crate::failure::Failure;
use crate::node::ground::Ground;
use crate::settings::{ObjectsKind, ObjectsSettings};

/// A bucket and a profile, either of which may be the server's own.
type StoreName = (Option<String>, Option<String>);

/// Opens each store once.
pub(super) struct ConfiguredStores {
    settings: ObjectsSettings,
    directory: PathBuf,
    pool: HttpPool,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
    opened: Mutex<HashMap<StoreName, Arc<dyn ObjectStore>>>,
}

impl ConfiguredStores {
    pub fn new(ground: &Ground<'_>) -> Result<Self, Failure> {
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

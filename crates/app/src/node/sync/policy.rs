//! What the settings let organisations use.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use tenantry_kernel::OrganizationId;
use tenantry_sync::ports::SyncPolicy;
use tenantry_sync::{LocalDirectory, PatternSyntaxError, Patterns, ProfileName};
use tenantry_tenancy::BucketName;
use tenantry_transfer::source::{AllowedRoot, Globs, RootScope, Roots};

use crate::failure::Failure;
use crate::settings::{Allowance, Settings};

/// What the operator's settings let organisations use.
pub(super) struct OperatorPolicy {
    roots: Arc<Roots>,
    buckets: Vec<Allowance>,
    profiles: Vec<Allowance>,
}

impl OperatorPolicy {
    pub fn new(settings: &Settings) -> Result<Self, Failure> {
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

    /// The folders that may be read.
    pub fn roots(&self) -> Arc<Roots> {
        self.roots.clone()
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

    async fn check_patterns(&self, patterns: &Patterns) -> Result<(), PatternSyntaxError> {
        let patterns = patterns.clone();
        let read = tokio::task::spawn_blocking(move || Globs::parse(patterns.as_slice())).await;
        let read = read.map_err(|error| PatternSyntaxError(error.to_string()))?;
        read.map(|_| ()).map_err(|error| PatternSyntaxError(error.to_string()))
    }
}

fn is_allowed(allowances: &[Allowance], organization_id: OrganizationId, name: &str) -> bool {
    allowances.iter().any(|allowance| allowance.covers(organization_id, name))
}

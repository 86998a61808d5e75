//! What the settings let organisations use.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use tenantry_kernel::OrganizationId;
use tenantry_source::{AllowedRoot, Globs, RootScope, Roots};
use tenantry_sync::ports::SyncPolicy;
use tenantry_sync::{LocalDirectory, PatternSyntaxError, Patterns, ProfileName};
use tenantry_tenancy::BucketName;

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
        let roots = Roots::new(allowed.collect(), forbidden(settings)).map_err(Failure::configuration)?;
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

/// What the server itself writes to, and the files of its secrets, wherever links to them lead: nobody's to read.
fn forbidden(settings: &Settings) -> Vec<PathBuf> {
    let data = &settings.data.directory;
    let database = settings.database_url().sqlite_path().and_then(Path::parent).map(Path::to_owned);
    let others = [settings.mail.directory(data), settings.objects.directory(data), PathBuf::from("config")];
    let secrets = &settings.secret_files;
    let secrets = secrets.iter().cloned().chain(secrets.iter().filter_map(|file| file.canonicalize().ok()));
    let folders = others.into_iter().chain([data.clone()]).chain(database).chain(secrets);
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use tenantry_kernel::{IdGenerator as _, SystemIds};

    use super::*;
    use crate::settings::Variables;

    #[tokio::test]
    async fn no_folder_is_read_that_holds_a_secret() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["linked", "kept/secrets", "kept/rest", "free"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        // A link to the file, as orchestrators mount them.
        let [token, link] = ["kept/secrets/token", "linked/token"].map(|name| root.path().join(name));
        fs::write(&token, "3f".repeat(32)).unwrap();
        symlink(&token, &link).unwrap();
        let variables = [
            ("TENANTRY__SYNC__ALLOWED_ROOTS", root.path().to_str().unwrap()),
            ("TENANTRY__METRICS__TOKEN_FILE", link.to_str().unwrap()),
        ];
        let settings = Settings::load_from(&Variables::from(variables), Path::new("no/such/directory")).unwrap();
        let policy = OperatorPolicy::new(&settings).unwrap_or_else(|error| panic!("{error}"));
        let allows = async |name: &str| {
            let directory = LocalDirectory::parse(root.path().join(name).to_str().unwrap()).unwrap();
            policy.allows_directory(OrganizationId::from_uuid(SystemIds.next_id()), &directory).await
        };
        for folder in ["free", "kept/rest"] {
            assert!(allows(folder).await, "{folder}");
        }
        for folder in ["", "linked", "kept", "kept/secrets"] {
            assert!(!allows(folder).await, "{folder}");
        }
    }
}

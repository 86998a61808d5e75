use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use super::SettingsError;

/// Makes `directory` where it is missing. Nobody but its owner may look into it: it holds secrets and password hashes.
pub(super) fn create_private(directory: &Path) -> Result<(), SettingsError> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|source| SettingsError::Io {
        action: "create",
        path: directory.to_owned(),
        source,
    })
}

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::SettingsError;

/// Makes `directory` where it is missing. Nobody but its owner may look into it: it holds secrets and password hashes.
pub(super) fn create_private(directory: &Path) -> Result<(), SettingsError> {
    made(directory, DirBuilder::new().recursive(true).mode(0o700).create(directory))
}

/// Makes an empty `file` where it is missing, which nobody but its owner may read, however open its folder is.
pub(super) fn create_private_file(file: &Path) -> Result<(), SettingsError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        outcome => made(file, outcome.map(drop)),
    }
}

fn made(path: &Path, outcome: io::Result<()>) -> Result<(), SettingsError> {
    outcome.map_err(|source| SettingsError::Io { action: "create", path: path.to_owned(), source })
}

use std::fs::{DirBuilder, read_dir};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use tempfile::NamedTempFile;
use tenantry_identity::{Letter, MailRefusal, ports::MailTransport};
use tokio::task::spawn_blocking;

use crate::Stationery;

/// Writes each letter to a file of its own, named after the letter, in a folder that only its owner may look into.
#[derive(Debug)]
pub struct DirectoryTransport {
    stationery: Stationery,
    directory: PathBuf,
}

impl DirectoryTransport {
    /// Writes to `directory`, which is made when the first letter comes.
    #[must_use]
    pub fn new(stationery: Stationery, directory: PathBuf) -> Self {
        Self { stationery, directory }
    }
}

#[async_trait]
impl MailTransport for DirectoryTransport {
    async fn send(&self, letter: &Letter) -> Result<(), MailRefusal> {
        let bytes = self.stationery.write(letter)?.formatted();
        let (directory, name) = (self.directory.clone(), format!("{}.eml", letter.id));
        let written = spawn_blocking(move || write(&directory, &name, &bytes)).await.map_err(io::Error::other);
        written.and_then(|outcome| outcome).map_err(|error| MailRefusal::Temporary(error.into()))
    }
}

/// Written whole under another name first, so that nobody reads half a letter. Such a file has mode 0600.
fn write(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    if read_dir(directory).is_err() {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(directory.join(name))?;
    Ok(())
}

//! What a run would find in a file, for one that only says what it would do.

use std::sync::Arc;

use tenantry_source::{SourceFolder, Symlinks};
use tenantry_sync::objects::{Crc64, Crc64Digest, RelativePath};
use tokio::sync::watch;

use super::feed::halted;
use super::halt::{Halt, Signal};

/// Bytes that are read at once.
const CHUNK: usize = 1 << 20;

/// The checksum of a file; none if it can't be read.
pub(super) async fn checksum(
    folder: &Arc<SourceFolder>,
    path: &RelativePath,
    signal: &watch::Receiver<Signal>,
) -> Result<Option<Crc64>, Halt> {
    let (folder, path, told) = (Arc::clone(folder), path.clone(), signal.clone());
    let reading = tokio::task::spawn_blocking(move || read(&folder, &path, &told));
    let mut signal = signal.clone();
    // A file system that hangs holds its own thread, and not the run.
    tokio::select! {
        read = reading => read.unwrap_or_else(|error| Err(Halt::Failed(format!("a worker failed: {error}")))),
        halt = halted(&mut signal) => Err(halt),
    }
}

fn read(folder: &SourceFolder, path: &RelativePath, signal: &watch::Receiver<Signal>) -> Result<Option<Crc64>, Halt> {
    let Ok(file) = folder.open(path, Symlinks::Never) else { return Ok(None) };
    let (mut digest, mut offset) = (Crc64Digest::new(), 0_u64);
    loop {
        signal.borrow().check()?;
        let Ok(chunk) = file.read_at(offset, CHUNK) else { return Ok(None) };
        if chunk.is_empty() {
            return Ok(Some(digest.finish()));
        }
        digest.update(&chunk);
        offset = offset.saturating_add(u64::try_from(chunk.len()).unwrap_or_default());
    }
}

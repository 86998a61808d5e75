//! A throwaway PostgreSQL server, started from installed binaries.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const SUPERVISOR: &str = include_str!("supervise.sh");
const START_LIMIT: Duration = Duration::from_mins(1);
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Another process may take the chosen port before the server binds it.
const ATTEMPTS: u32 = 3;

#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error("could not prepare a throwaway PostgreSQL server: {0}")]
    Io(#[from] io::Error),
    #[error("the server runs as root only under another account, and neither postgres nor nobody exists")]
    NoUnprivilegedAccount,
    #[error("the throwaway PostgreSQL server ended while starting; its log:\n{log}")]
    Exited { log: String },
    #[error("the throwaway PostgreSQL server was not ready within {} s; its log:\n{log}", START_LIMIT.as_secs())]
    TimedOut { log: String },
}

/// A running server. It stops, and its files go, when this value or the whole process goes.
#[derive(Debug)]
pub(super) struct ThrowawayServer {
    pub(super) port: u16,
    directory: PathBuf,
    /// Holds the pipe that keeps the server alive.
    supervisor: Child,
}

impl ThrowawayServer {
    /// Starts a server from the binaries in `binaries`; blocks until it accepts connections (a second or two).
    pub(super) fn start(binaries: &Path) -> Result<Self, StartError> {
        let mut attempt = 1;
        loop {
            match Self::start_once(binaries) {
                Err(StartError::Exited { .. }) if attempt < ATTEMPTS => attempt += 1,
                outcome => return outcome,
            }
        }
    }

    fn start_once(binaries: &Path) -> Result<Self, StartError> {
        let directory = tempfile::Builder::new().prefix("tenantry-pg-").tempdir()?.keep();
        let port = free_port()?;
        let mut command = Command::new("sh");
        command.arg("-c").arg(SUPERVISOR).arg("sh").arg(binaries).arg(&directory).arg(port.to_string());
        command.current_dir(&directory).env("LC_ALL", "C").stdin(Stdio::piped()).stdout(Stdio::null());
        // A group of its own: an interrupt typed at the terminal must not end the supervisor before it has tidied.
        command.process_group(0);
        drop_root(&mut command, &directory)?;
        let server = Self { port, supervisor: command.spawn()?, directory };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&self) -> Result<(), StartError> {
        let started = Instant::now();
        while !self.is_ready() {
            if self.directory.join("exited").exists() {
                return Err(StartError::Exited { log: self.log() });
            }
            if started.elapsed() > START_LIMIT {
                return Err(StartError::TimedOut { log: self.log() });
            }
            sleep(POLL_INTERVAL);
        }
        Ok(())
    }

    /// Asks the server's own pid file rather than the port, which might be answered by somebody else's server.
    fn is_ready(&self) -> bool {
        fs::read_to_string(self.directory.join("data/postmaster.pid"))
            .is_ok_and(|file| file.lines().nth(7).is_some_and(|status| status.trim() == "ready"))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_else(|error| format!("(no log: {error})"))
    }
}

impl Drop for ThrowawayServer {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        // Only start-up failures come here: the cluster itself is a static. A failed wait leaves nothing to do.
        drop(self.supervisor.wait());
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// PostgreSQL refuses to run as root: then the server gets another account, and its directory with it.
fn drop_root(command: &mut Command, directory: &Path) -> Result<(), StartError> {
    if fs::metadata(directory)?.uid() != 0 {
        return Ok(());
    }
    let (uid, gid) = unprivileged_account(&fs::read_to_string("/etc/passwd")?)?;
    chown(directory, Some(uid), Some(gid))?;
    command.uid(uid).gid(gid);
    Ok(())
}

fn unprivileged_account(passwd: &str) -> Result<(u32, u32), StartError> {
    let find = |name: &str| {
        passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == name).then_some(())?;
            Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
        })
    };
    find("postgres").or_else(|| find("nobody")).ok_or(StartError::NoUnprivilegedAccount)
}

/// The directory of an installed `postgres` and `initdb`: on PATH, else where the usual packages put them.
pub(super) fn installed_binaries(path: &str) -> Option<PathBuf> {
    let on_path = std::env::split_paths(path);
    let packaged = ["/usr/lib/postgresql", "/usr/local/opt", "/opt/homebrew/opt"].into_iter().flat_map(versions_of);
    on_path
        .chain(packaged)
        .chain(["/usr/local/pgsql/bin".into(), "/opt/homebrew/bin".into(), "/usr/local/bin".into()])
        .find_map(|directory| resolve(&directory))
}

/// `PARENT/15/bin` or `PARENT/postgresql@15/bin`, the newest first.
fn versions_of(parent: &str) -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version = name.strip_prefix("postgresql@").unwrap_or(&name).parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort_unstable_by(|left, right| right.cmp(left));
    versions.into_iter().map(|(_, directory)| directory).collect()
}

/// Follows links (`/usr/local/bin/postgres` often is one), since `initdb` must lie beside the real server.
fn resolve(directory: &Path) -> Option<PathBuf> {
    let server = directory.join("postgres").canonicalize().ok()?;
    let directory = server.parent()?;
    directory.join("initdb").is_file().then(|| directory.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefers_the_postgres_account_over_nobody() {
        let nobody = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65533::/:/sbin/nologin\n";
        assert_eq!(unprivileged_account(nobody).unwrap(), (65_534, 65_533));
        let both = format!("{nobody}postgres:x:101:104:,,,:/var/lib/postgresql:/bin/bash\n");
        assert_eq!(unprivileged_account(&both).unwrap(), (101, 104));
        assert!(unprivileged_account("root:x:0:0::/root:/bin/sh\n").is_err());
    }

    #[test]
    fn newest_version_comes_first_by_number() {
        let parent = tempfile::tempdir().unwrap();
        for name in ["9", "16", "postgresql@17", "15", "other"] {
            fs::create_dir_all(parent.path().join(name).join("bin")).unwrap();
        }
        let found = versions_of(parent.path().to_str().unwrap());
        let names: Vec<_> = found.iter().map(|path| path.strip_prefix(parent.path()).unwrap()).collect();
        assert_eq!(names, ["postgresql@17/bin", "16/bin", "15/bin", "9/bin"].map(Path::new));
    }
}

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
/// One that was killed may hold on to its memory for a moment longer than to its life.
const ATTEMPTS_AGAIN: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);

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

/// Whether a commit is answered before it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Commits {
    /// It is, which is quicker; a server that is killed forgets some.
    Early,
    /// It is not: what was answered outlives the server, though not the machine.
    Durable,
}

/// A running server. It stops, and its files go, when this value or the whole process goes.
#[derive(Debug)]
pub(super) struct ThrowawayServer {
    pub(super) port: u16,
    binaries: PathBuf,
    directory: PathBuf,
    commits: Commits,
    /// Whose the server is, where it may not be ours.
    account: Option<(u32, u32)>,
    /// Holds the pipe that keeps the server alive.
    supervisor: Child,
    /// The process that was killed last.
    killed: Option<String>,
}

impl ThrowawayServer {
    /// Starts a server from the binaries in `binaries`; blocks until it accepts connections (a second or two).
    pub(super) fn start(binaries: &Path, commits: Commits) -> Result<Self, StartError> {
        let mut attempt = 1;
        loop {
            match Self::start_once(binaries, commits) {
                Err(StartError::Exited { .. }) if attempt < ATTEMPTS => attempt += 1,
                outcome => return outcome,
            }
        }
    }

    fn start_once(binaries: &Path, commits: Commits) -> Result<Self, StartError> {
        let directory = tempfile::Builder::new().prefix("tenantry-pg-").tempdir()?.keep();
        let (port, account) = (free_port()?, drop_root(&directory)?);
        let supervisor = supervise(binaries, &directory, port, commits, account)?;
        let binaries = binaries.to_owned();
        let server = Self { port, binaries, directory, commits, account, supervisor, killed: None };
        server.wait_until_ready()?;
        Ok(server)
    }

    /// Kills all of its processes at once, and leaves its files as they are.
    pub(super) fn kill(&mut self) -> Result<(), StartError> {
        fs::write(self.directory.join("keep"), "")?;
        let [process, ..] = self.status()?;
        // Held still first, so that it begins no others.
        signal("STOP", &[&process])?;
        let children = Command::new("pgrep").args(["-P", &process]).output()?.stdout;
        let children = String::from_utf8_lossy(&children).into_owned();
        let all: Vec<_> = [process.as_str()].into_iter().chain(children.split_whitespace()).collect();
        signal("KILL", &all)?;
        self.killed = Some(process);
        self.end_supervisor();
        Ok(())
    }

    /// Starts it on what it left when it was killed; blocks until it accepts connections.
    pub(super) fn start_again(&mut self) -> Result<(), StartError> {
        let mut attempt = 1;
        loop {
            match self.start_again_once() {
                Err(StartError::Exited { .. }) if attempt < ATTEMPTS_AGAIN => attempt += 1,
                outcome => return outcome,
            }
            self.end_supervisor();
            sleep(PAUSE);
        }
    }

    fn start_again_once(&mut self) -> Result<(), StartError> {
        // A supervisor that ends now is to leave the files for the next attempt.
        fs::write(self.directory.join("keep"), "")?;
        fs::remove_file(self.directory.join("exited"))?;
        self.supervisor = supervise(&self.binaries, &self.directory, self.port, self.commits, self.account)?;
        self.wait_until_ready()?;
        Ok(fs::remove_file(self.directory.join("keep"))?)
    }

    fn end_supervisor(&mut self) {
        drop(self.supervisor.stdin.take());
        // A failed wait leaves nothing to do.
        drop(self.supervisor.wait());
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

    fn is_ready(&self) -> bool {
        self.status().is_ok_and(|[process, status]| status == "ready" && self.killed.as_ref() != Some(&process))
    }

    /// The server's process and how it is. Asks the server's own pid file rather than the port, which might be answered
    /// by somebody else's server.
    fn status(&self) -> io::Result<[String; 2]> {
        let file = fs::read_to_string(self.directory.join("data/postmaster.pid"))?;
        Ok([0, 7].map(|line| file.lines().nth(line).unwrap_or_default().trim().to_owned()))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_else(|error| format!("(no log: {error})"))
    }
}

impl Drop for ThrowawayServer {
    fn drop(&mut self) {
        // Only start-up failures and servers that may be killed come here: the cluster of all others is a static.
        self.end_supervisor();
        if self.directory.join("keep").exists() {
            drop(fs::remove_dir_all(&self.directory));
        }
    }
}

/// Runs the server for as long as the pipe of what is answered is held.
fn supervise(
    binaries: &Path,
    directory: &Path,
    port: u16,
    commits: Commits,
    account: Option<(u32, u32)>,
) -> Result<Child, StartError> {
    let durable = if commits == Commits::Durable { "on" } else { "off" };
    let mut command = Command::new("sh");
    command.arg("-c").arg(SUPERVISOR).arg("sh").arg(binaries).arg(directory).arg(port.to_string()).arg(durable);
    command.current_dir(directory).env("LC_ALL", "C").stdin(Stdio::piped()).stdout(Stdio::null());
    // A group of its own: an interrupt typed at the terminal must not end the supervisor before it has tidied.
    command.process_group(0);
    if let Some((uid, gid)) = account {
        command.uid(uid).gid(gid);
    }
    Ok(command.spawn()?)
}

fn signal(name: &str, processes: &[&str]) -> io::Result<()> {
    let status = Command::new("kill").arg(format!("-{name}")).args(processes).stderr(Stdio::null()).status()?;
    // Some of many may have ended by themselves.
    if status.success() || processes.len() > 1 { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// PostgreSQL refuses to run as root: then the server gets another account, and its directory with it.
fn drop_root(directory: &Path) -> Result<Option<(u32, u32)>, StartError> {
    if fs::metadata(directory)?.uid() != 0 {
        return Ok(None);
    }
    let (uid, gid) = unprivileged_account(&fs::read_to_string("/etc/passwd")?)?;
    chown(directory, Some(uid), Some(gid))?;
    Ok(Some((uid, gid)))
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

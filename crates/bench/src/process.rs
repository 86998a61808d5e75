//! Child processes, and what the kernel knows about them.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{fs, process};

use crate::error::Result;

/// How long a process may take to stop when told to.
const STOP_LIMIT: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// What `/proc` counts CPU time in: `USER_HZ`, which is 100 on every Linux.
const TICKS_A_SECOND: f64 = 100.0;

/// A process that ends with this value.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts `command` with its output thrown away, unless `command` says otherwise.
    pub fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_owned();
        let child = command.spawn().map_err(|error| format!("starting {}: {error}", name.display()))?;
        Ok(Self(child))
    }

    /// Starts `command`, and reads the first line that it prints.
    pub fn start_and_read_line(command: &mut Command) -> Result<(Self, String)> {
        let mut process = Self::start(command.stdout(Stdio::piped()))?;
        let mut line = String::new();
        let output = process.0.stdout.take().ok_or("no output to read")?;
        BufReader::new(output).read_line(&mut line)?;
        Ok((process, line.trim().to_owned()))
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.0.try_wait()?.is_none())
    }

    /// The CPU time that it has used, over all its threads.
    pub fn cpu_time(&self) -> Result<Duration> {
        cpu_time(self.0.id())
    }

    /// The memory that it holds, in MiB.
    pub fn memory(&self) -> Result<f64> {
        self.status("VmRSS:")
    }

    /// The most memory that it ever held, in MiB.
    pub fn peak_memory(&self) -> Result<f64> {
        self.status("VmHWM:")
    }

    fn status(&self, field: &str) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field)).ok_or("no such line in /proc")?;
        let kibibytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kibibytes / 1_024.0)
    }
}

impl Drop for Process {
    /// Asks first: a server that is killed would leave its database to be recovered.
    fn drop(&mut self) {
        let asked = Command::new("kill").arg("-TERM").arg(self.0.id().to_string()).status();
        let since = Instant::now();
        while asked.as_ref().is_ok_and(process::ExitStatus::success) && since.elapsed() < STOP_LIMIT {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return;
            }
            sleep(POLL_INTERVAL);
        }
        // It is a child, so its number is not anybody else's yet.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The CPU time that this process has used, over all its threads.
pub fn own_cpu_time() -> Result<Duration> {
    cpu_time(process::id())
}

fn cpu_time(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is a name, and may hold spaces and brackets.
    let (_, fields) = stat.rsplit_once(')').ok_or("/proc/PID/stat has no name")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
    let ticks = ticks.sum::<std::result::Result<u32, _>>()?;
    Ok(Duration::from_secs_f64(f64::from(ticks) / TICKS_A_SECOND))
}

/// Builds the server, or says nothing where it is built already.
pub fn build_server(binary: &Path) -> Result<()> {
    let built = Command::new("cargo").args(["build", "--release", "--package", "tenantry-app"]).status()?;
    if !built.success() || !binary.is_file() {
        return Err(format!("no server at {}; name it with --server", binary.display()).into());
    }
    Ok(())
}

//! A process of the binary in a folder of its own.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;

use crate::answer::Answer;

/// Settings under which nothing takes long.
pub const FAST: [(&str, &str); 3] =
    [("TENANTRY_ENV", "test"), ("TENANTRY__AUTH__BCRYPT_COST", "4"), ("TENANTRY__SERVER__PORT", "0")];

/// The binary with these variables and no others.
fn command(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
    command.env_clear().envs(variables.iter().copied()).current_dir(folder).args(arguments);
    command
}

/// Runs a command to its end, with `input` on its standard input.
pub fn run(folder: &Path, variables: &[(&str, &str)], arguments: &[&str], input: &str) -> Output {
    let mut command = command(folder, variables, arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that asks for nothing may have ended before.
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    child.wait_with_output().unwrap()
}

/// Runs a command that has to do its work, and answers what it says.
pub fn done(folder: &Path, variables: &[(&str, &str)], arguments: &[&str], input: &str) -> String {
    let output = run(folder, variables, arguments, input);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// `tenantry serve`, ended with this value if it has not ended before.
pub struct Server {
    child: Child,
    output: BufReader<ChildStdout>,
    folder: TempDir,
    pub address: String,
    /// What it has said so far.
    pub greeting: String,
}

impl Server {
    /// Starts it and waits until it says where it is.
    pub fn start(folder: TempDir, variables: &[(&str, &str)]) -> Self {
        Self::start_with(folder, variables, &["serve"])
    }

    /// The same with other arguments.
    pub fn start_with(folder: TempDir, variables: &[(&str, &str)], arguments: &[&str]) -> Self {
        let log = File::options().create(true).append(true).open(folder.path().join("log")).unwrap();
        let mut command = command(folder.path(), variables, arguments);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut server = Self { child, output, folder, address: String::new(), greeting: String::new() };
        server.listen_to_greeting();
        server
    }

    /// Reads up to the line about documents, which is the last one unless it is a first start.
    fn listen_to_greeting(&mut self) {
        while !self.greeting.contains("  Docs  ") {
            let read = self.output.read_line(&mut self.greeting).unwrap();
            assert_ne!(read, 0, "{}{}", self.greeting, self.log());
        }
        let address = self.greeting.split_whitespace().find_map(|word| word.strip_suffix("/api/v1"));
        self.address = address.unwrap().to_owned();
    }

    /// The rest of what a first start says: a blank line, three lines with the one-time password among them.
    pub fn one_time_password(&mut self) -> String {
        for _ in 0..4 {
            self.output.read_line(&mut self.greeting).unwrap();
        }
        let line = self.greeting.lines().find(|line| line.contains("One-time password:")).unwrap();
        line.split_whitespace().last().unwrap().to_owned()
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    pub async fn send(&self, method: &str, path: &str, token: &str, body: Option<&Value>) -> Answer {
        let client = tenantry_testkit::http_client();
        let request = client.request(method.parse::<Method>().unwrap(), format!("{}{path}", self.address));
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        let request = if let Some(body) = body { request.json(body) } else { request };
        Answer::of(format!("{method} {path}"), request.send().await.unwrap()).await
    }

    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, by the name that `kill` knows.
    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Waits until it has ended, and answers its exit code, its folder, and what it said besides the greeting.
    pub fn end(mut self) -> (Option<i32>, TempDir, String) {
        let code = self.child.wait().unwrap().code();
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.output, &mut rest).unwrap();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        (code, folder, rest)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already where a test let it.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// `tenantry worker`, ended with this value.
pub struct Worker {
    child: Child,
    folder: TempDir,
}

impl Worker {
    pub fn start(variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let mut command = command(folder.path(), variables, &["worker"]);
        let child = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        Self { child, folder }
    }

    /// Sends it a signal, by the name that `kill` knows.
    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn signal(process: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &process.id().to_string()]).status();
    assert!(status.unwrap().success());
}

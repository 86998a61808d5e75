//! A Redis of a test's own.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::environment;

/// A server that ends with this value.
pub struct RedisServer {
    process: Child,
    port: u16,
}

impl RedisServer {
    /// Starts one; `None` where none is installed, which is said on stderr, and then the test returns early.
    ///
    /// # Panics
    /// If one is installed but can't be started, and if none is while `CI` is `true`.
    #[must_use]
    pub fn start() -> Option<Self> {
        let Some(binary) = installed_binary() else {
            let message = "Redis tests are SKIPPED: no redis-server is installed";
            assert!(environment::variable("CI").is_none_or(|value| value != "true"), "{message}");
            eprintln!("\n*** {message} ***\n");
            return None;
        };
        let port = free_port();
        let process = Command::new(binary)
            .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("starting redis-server: {error}"));
        let server = Self { process, port };
        server.wait();
        Some(server)
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    fn wait(&self) {
        let is_up = || TcpStream::connect(("127.0.0.1", self.port)).is_ok();
        for _ in 0..500 {
            if is_up() {
                return;
            }
            sleep(Duration::from_millis(10));
        }
        panic!("redis-server does not answer");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It keeps nothing on disk, and may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn installed_binary() -> Option<PathBuf> {
    let path = environment::variable("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("redis-server")).find(|binary| binary.is_file())
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0));
    let address = listener.and_then(|listener| listener.local_addr());
    address.unwrap_or_else(|error| panic!("a free port: {error}")).port()
}

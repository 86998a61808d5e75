//! A node at work.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use tenantry_http::health::Readiness;
use tenantry_http::{Server, ServerHandle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::failure::Failure;
use crate::node::Node;

/// How often the revocations of other processes are read.
const REVOCATION_POLL: Duration = Duration::from_millis(500);

/// Where background jobs are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jobs {
    /// In this process.
    Here,
    /// In another one, by `tenantry worker`.
    Elsewhere,
}

/// A node that serves the API, follows the revocations of other nodes, and runs jobs where it is asked to.
pub struct Running {
    node: Arc<Node>,
    address: SocketAddr,
    readiness: Readiness,
    stopping: ServerHandle,
    server: JoinHandle<io::Result<()>>,
    follower: JoinHandle<()>,
    worker: Option<Worker>,
}

/// Background jobs, and how to tell them to end.
struct Worker {
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

impl Running {
    /// Puts `node` to work on `listener`. Call it within a tokio runtime.
    pub fn start(node: Node, listener: TcpListener, jobs: Jobs) -> Result<Self, Failure> {
        let node = Arc::new(node);
        let address = listener.local_addr().map_err(Failure::because)?;
        let readiness = Readiness::default();
        let server: Server = tenantry_http::serve(listener, node.http_options(), node.http_state(readiness.clone())?)
            .map_err(Failure::because)?;
        let stopping = server.handle();
        let server = tokio::spawn(server);
        let follower = tokio::spawn(follow_revocations(node.clone()));
        let worker = (jobs == Jobs::Here).then(|| Worker::start(&node));
        readiness.ready();
        Ok(Self { node, address, readiness, stopping, server, follower, worker })
    }

    /// The node.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets requests and jobs in flight finish, takes no more, and closes the database.
    pub async fn stop(self) -> Result<(), Failure> {
        self.readiness.draining();
        let worker = self.worker.map(Worker::stop);
        self.stopping.stop(true).await;
        self.server.await.map_err(Failure::because)?.map_err(Failure::because)?;
        if let Some(worker) = worker {
            worker.await.map_err(Failure::because)?;
        }
        self.follower.abort();
        self.node.database.close().await;
        Ok(())
    }
}

impl Worker {
    fn start(node: &Node) -> Self {
        let (stop, stopped) = oneshot::channel();
        // An error means that nobody is left who could stop it otherwise.
        let ended = tokio::spawn(node.worker().run(async move { drop(stopped.await) }));
        Self { stop, ended }
    }

    fn stop(self) -> JoinHandle<()> {
        // It may have ended already.
        self.stop.send(()).ok();
        self.ended
    }
}

/// Keeps the list of revocations complete. When the database is away the list grows old, and tokens are checked
/// against the database instead, so a failure needs no more than a line in the log.
async fn follow_revocations(node: Arc<Node>) {
    let mut ticks = tokio::time::interval(REVOCATION_POLL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = node.follower.poll().await {
            tracing::warn!(%error, "the revocations of other nodes could not be read");
        }
    }
}

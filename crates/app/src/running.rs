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

/// How often what other processes revoked, and the keys of access tokens, are read.
const POLL: Duration = Duration::from_millis(500);

/// How often it is stored when API keys were last used.
const BOOKKEEPING: Duration = Duration::from_secs(10);

/// Where background jobs are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jobs {
    /// In this process.
    Here,
    /// In another one, by `tenantry worker`.
    Elsewhere,
}

/// A node that serves the API, follows what other nodes revoke, and runs jobs where it is asked to.
pub struct Running {
    node: Arc<Node>,
    address: SocketAddr,
    readiness: Readiness,
    stopping: ServerHandle,
    server: JoinHandle<io::Result<()>>,
    follower: JoinHandle<()>,
    bookkeeper: JoinHandle<()>,
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
        let follower = tokio::spawn(follow(node.clone()));
        let bookkeeper = tokio::spawn(keep_books(node.clone()));
        let worker = (jobs == Jobs::Here).then(|| Worker::start(&node));
        readiness.ready();
        Ok(Self { node, address, readiness, stopping, server, follower, bookkeeper, worker })
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
        self.bookkeeper.abort();
        store_uses(&self.node).await;
        self.node.database.close().await;
        Ok(())
    }
}

impl Worker {
    fn start(node: &Node) -> Self {
        let (stop, stopped) = oneshot::channel();
        // An error means that nobody is left who could stop it otherwise.
        let ended = tokio::spawn(node.workers().run(async move { drop(stopped.await) }));
        Self { stop, ended }
    }

    fn stop(self) -> JoinHandle<()> {
        // It may have ended already.
        self.stop.send(()).ok();
        self.ended
    }
}

/// Stores from time to time what requests leave behind for later.
async fn keep_books(node: Arc<Node>) {
    let mut ticks = tokio::time::interval(BOOKKEEPING);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        store_uses(&node).await;
    }
}

async fn store_uses(node: &Node) {
    if let Err(error) = node.services.api_key_gate.store_uses().await {
        tracing::warn!(%error, "when API keys were last used could not be stored");
    }
}

/// Keeps the list of revocations and the keys of access tokens complete. When the database is away they grow old, and
/// tokens are checked against the database instead, so a failure needs no more than a line in the log.
async fn follow(node: Arc<Node>) {
    let mut ticks = tokio::time::interval(POLL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let (revocations, keys) = tokio::join!(node.follower.poll(), node.signing.refresh());
        if let Err(error) = revocations {
            tracing::warn!(%error, "the revocations of other nodes could not be read");
        }
        if let Err(error) = keys {
            tracing::warn!(%error, "the keys of access tokens could not be read");
        }
    }
}

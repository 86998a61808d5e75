use std::io::{Write as _, stdout};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use tenantry_application::OneTimePassword;
use tenantry_http::health::Readiness;
use tenantry_identity::{Email, User, Username};

use super::Failure;
use crate::cli::Serve;
use crate::node::Node;
use crate::settings::Settings;
use crate::shutdown::Shutdown;

/// How often the revocations of other processes are read.
const REVOCATION_POLL: Duration = Duration::from_millis(500);

/// Who the first platform administrator is.
const FIRST_EMAIL: &str = "admin@localhost";
const FIRST_USERNAME: &str = "admin";

/// Serves the API until the process is told to stop.
pub(super) async fn run(settings: Settings, arguments: Serve) -> Result<(), Failure> {
    let shutdown = Shutdown::on_signals().map_err(Failure::because)?;
    let node = Arc::new(Node::open(settings).await?);
    let listener = listen(&node.settings)?;
    let url = node.settings.server.base_url(listener.local_addr().map_err(Failure::because)?.port());
    let first = first_administrator(&node).await?;

    let readiness = Readiness::default();
    let server = tenantry_http::serve(listener, node.http_options(), node.http_state(readiness.clone())?)
        .map_err(Failure::because)?;
    let stopping = server.handle();
    let server = tokio::spawn(server);
    let follower = tokio::spawn(follow_revocations(node.clone()));
    let worker = (!arguments.no_worker).then(|| {
        let shutdown = shutdown.clone();
        tokio::spawn(node.worker().run(async move { shutdown.requested().await }))
    });
    readiness.ready();
    announce(&url, first).map_err(Failure::because)?;

    shutdown.requested().await;
    readiness.draining();
    stopping.stop(true).await;
    server.await.map_err(Failure::because)?.map_err(Failure::because)?;
    if let Some(worker) = worker {
        worker.await.map_err(Failure::because)?;
    }
    follower.abort();
    node.database.close().await;
    tracing::info!("stopped");
    Ok(())
}

fn listen(settings: &Settings) -> Result<TcpListener, Failure> {
    let (host, port) = (settings.server.host.as_str(), settings.server.port);
    TcpListener::bind((host, port)).map_err(|error| Failure::because(format!("can't listen on {host}:{port}: {error}")))
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

/// Makes the first platform administrator where there is none.
async fn first_administrator(node: &Node) -> Result<Option<(User, OneTimePassword)>, Failure> {
    let email = Email::parse(FIRST_EMAIL).map_err(Failure::because)?;
    let username = Username::parse(FIRST_USERNAME).map_err(Failure::because)?;
    node.administrators.ensure_first(email, username).await.map_err(Failure::because)
}

/// Says where everything is. The one-time password is shown here, once, and kept nowhere.
fn announce(url: &str, first: Option<(User, OneTimePassword)>) -> std::io::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "Tenantry {}", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "  API   {url}/api/v1")?;
    writeln!(out, "  Docs  {url}/docs")?;
    if let Some((user, password)) = first {
        writeln!(out)?;
        writeln!(out, "  First platform administrator: {}", user.username.as_str())?;
        writeln!(out, "  One-time password:            {}", password.expose())?;
        writeln!(out, "  It is shown this once. Sign in with it and set a password of your own.")?;
    }
    out.flush()
}

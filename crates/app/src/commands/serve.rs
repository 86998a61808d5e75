use std::io::{Write as _, stdout};
use std::net::TcpListener;

use tenantry_application::OneTimePassword;
use tenantry_identity::{Email, User, Username};

use crate::cli::Serve;
use crate::failure::Failure;
use crate::node::Node;
use crate::running::{Jobs, Running};
use crate::settings::Settings;
use crate::shutdown::Shutdown;

/// Who the first platform administrator is.
const FIRST_EMAIL: &str = "admin@localhost";
const FIRST_USERNAME: &str = "admin";

/// Serves the API until the process is told to stop.
pub(super) async fn run(settings: Settings, arguments: Serve) -> Result<(), Failure> {
    let shutdown = Shutdown::on_signals().map_err(Failure::because)?;
    let node = Node::open(settings).await?;
    let listener = listen(&node.settings)?;
    let url = node.settings.server.base_url(listener.local_addr().map_err(Failure::because)?.port());
    let first = first_administrator(&node).await?;
    let jobs = if arguments.no_worker { Jobs::Elsewhere } else { Jobs::Here };
    let running = Running::start(node, listener, jobs)?;
    announce(&url, first).map_err(Failure::because)?;

    shutdown.requested().await;
    running.stop().await?;
    tracing::info!("stopped");
    Ok(())
}

fn listen(settings: &Settings) -> Result<TcpListener, Failure> {
    let (host, port) = (settings.server.host.as_str(), settings.server.port);
    TcpListener::bind((host, port)).map_err(|error| Failure::because(format!("can't listen on {host}:{port}: {error}")))
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

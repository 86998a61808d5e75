use crate::failure::Failure;
use crate::node::Node;
use crate::settings::Settings;
use crate::shutdown::Shutdown;

/// Runs background jobs until the process is told to stop.
pub(super) async fn run(settings: Settings) -> Result<(), Failure> {
    let shutdown = Shutdown::on_signals().map_err(Failure::because)?;
    let node = Node::open(settings).await?;
    node.workers().run(async move { shutdown.requested().await }).await;
    node.database.close().await;
    Ok(())
}

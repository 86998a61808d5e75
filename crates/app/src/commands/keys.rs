use std::io::{Write as _, stdout};

use tenantry_identity::{KeyId, SigningKey};

use crate::cli::Keys;
use crate::failure::Failure;
use crate::node::Node;
use crate::settings::Settings;

/// Runs `tenantry keys …`, and lists the keys afterwards.
pub(super) async fn run(settings: Settings, what: Keys) -> Result<(), Failure> {
    let node = Node::connect(settings).await?;
    let outcome = change(&node, what).await;
    let keys = node.signing.keys.list().await;
    node.database.close().await;
    outcome?;
    print(&keys.map_err(Failure::because)?).map_err(Failure::because)
}

async fn change(node: &Node, what: Keys) -> Result<(), Failure> {
    if !matches!(what, Keys::List) && !node.signing.is_by_keys() {
        return Err(Failure::configuration("auth.algorithm is HS256, which uses no signing keys"));
    }
    let keys = &node.signing.keys;
    match what {
        Keys::List => Ok(()),
        Keys::Rotate => keys.rotate().await,
        Keys::Revoke { kid } => keys.revoke(&KeyId::new(kid)).await,
    }
    .map_err(Failure::because)
}

fn print(keys: &[SigningKey]) -> std::io::Result<()> {
    let mut out = stdout().lock();
    for key in keys {
        let since = key.since.format("%Y-%m-%dT%H:%M:%SZ");
        writeln!(out, "{:8} {}  since {since}", key.state.as_str(), key.id)?;
    }
    out.flush()
}

use std::io::{Write as _, stdout};

use tenantry_identity::PlatformContext;
use tenantry_kernel::Store;
use tenantry_readings::Discrepancy;
use tenantry_readings::ports::ReadingTransaction;
use tenantry_store::Database;

use crate::cli::ReconcileReadings;
use crate::failure::Failure;
use crate::node::Node;
use crate::settings::Settings;

/// Compares what budgets are counted by with the ledger. What differs goes to stdout, a line each.
pub(super) async fn reconcile(settings: Settings, arguments: ReconcileReadings) -> Result<(), Failure> {
    let node = Node::open(settings).await?;
    let found = compare(&node.database, arguments.mend).await;
    node.database.close().await;
    let found = found?;
    tell(&found).map_err(Failure::because)?;
    match found.len() {
        0 => Ok(()),
        _ if arguments.mend => Ok(()),
        sums => Err(Failure::because(format!("{sums} sums are not what the ledger comes to; --mend sets them right"))),
    }
}

async fn compare(database: &Database, mend: bool) -> Result<Vec<Discrepancy>, Failure> {
    let store: &dyn Store<PlatformContext, dyn ReadingTransaction> = database;
    let mut transaction = store.begin(&PlatformContext::system()).await.map_err(Failure::because)?;
    let found = transaction.ledger().reconcile(mend).await.map_err(Failure::because)?;
    transaction.commit().await.map_err(Failure::because)?;
    Ok(found)
}

fn tell(found: &[Discrepancy]) -> std::io::Result<()> {
    let mut out = stdout().lock();
    for Discrepancy { organization_id, account, counted, booked } in found {
        writeln!(
            out,
            "{organization_id}: {account}: settled {} instead of {}, reserved {} instead of {} (USD)",
            counted.settled, booked.settled, counted.reserved, booked.reserved
        )?;
    }
    writeln!(out, "{} sums differ from the ledger", found.len())?;
    out.flush()
}

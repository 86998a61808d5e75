//! What only a folder promises, and the contract.

use std::sync::Arc;

use tempfile::TempDir;
use tenantry_kernel::SystemIds;
use tenantry_testkit::contracts::{OBJECTS, ObjectWorld, UPLOADS};
use tenantry_testkit::{FixedClock, run};

use super::FolderStore;

fn open(folder: &TempDir) -> FolderStore {
    FolderStore::open(folder.path(), Arc::new(FixedClock::default()), Arc::new(SystemIds)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_of_object_stores() {
    let folder = TempDir::new().unwrap();
    let world = ObjectWorld::leak(Arc::new(open(&folder)));
    run(OBJECTS, world).await;
    run(UPLOADS, world).await;
}

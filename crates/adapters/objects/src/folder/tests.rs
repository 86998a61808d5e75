//! What only a folder promises, and the contract.

use std::sync::Arc;

use tempfile::TempDir;
use tenantry_kernel::SystemIds;
use tenantry_testkit::contracts::{OBJECTS, ObjectWorld};
use tenantry_testkit::{FixedClock, run};

use super::FolderStore;

fn open(folder: &TempDir) -> FolderStore {
    FolderStore::open(folder.path(), Arc::new(FixedClock::default()), Arc::new(SystemIds)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_of_object_stores() {
    let folder = TempDir::new().unwrap();
    run(OBJECTS, Box::leak(Box::new(ObjectWorld::new(Arc::new(open(&folder)))))).await;
}

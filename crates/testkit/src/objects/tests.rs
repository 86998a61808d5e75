use std::sync::Arc;

use super::MemoryStore;
use crate::contracts::{OBJECTS, ObjectWorld};
use crate::{FixedClock, run};

#[tokio::test]
async fn the_store_in_memory_keeps_the_contract() {
    let store = MemoryStore::new(Arc::new(FixedClock::default()));
    run(OBJECTS, Box::leak(Box::new(ObjectWorld::new(Arc::new(store))))).await;
}

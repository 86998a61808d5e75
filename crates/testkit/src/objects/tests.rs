use std::sync::Arc;

use super::MemoryStore;
use crate::contracts::{OBJECTS, ObjectWorld, UPLOADS};
use crate::{FixedClock, run};

#[tokio::test]
async fn the_store_in_memory_keeps_the_contract() {
    let store = MemoryStore::new(Arc::new(FixedClock::default()));
    let world = ObjectWorld::leak(Arc::new(store));
    run(OBJECTS, world).await;
    run(UPLOADS, world).await;
}

use std::sync::Arc;

use tenantry_sync::objects::{ObjectError, ObjectStore as _};

use super::{Fault, FaultyStore, MemoryStore};
use crate::contracts::{APPENDS, OBJECTS, ObjectWorld, UPLOADS};
use crate::{FixedClock, run};

#[tokio::test]
async fn the_store_in_memory_keeps_the_contract() {
    let store = MemoryStore::new(Arc::new(FixedClock::default()));
    let world = ObjectWorld::leak(Arc::new(store));
    run(OBJECTS, world).await;
    run(UPLOADS, world).await;
    run(APPENDS, world).await;
}

#[tokio::test]
async fn a_store_that_is_told_of_no_failure_has_none() {
    let memory = MemoryStore::new(Arc::new(FixedClock::default()));
    let store = FaultyStore::new(Arc::new(memory), |_| Fault::None);
    run(APPENDS, ObjectWorld::leak(Arc::new(store))).await;
}

#[tokio::test]
async fn the_same_seed_fails_the_same_calls() {
    let fates = async |seed| {
        let memory = Arc::new(MemoryStore::new(Arc::new(FixedClock::default())));
        let store = FaultyStore::seeded(memory, seed, 3);
        let mut fates = Vec::new();
        for _ in 0..200 {
            fates.push(match store.list("", None, 1).await {
                Ok(_) => 0,
                Err(ObjectError::Throttled { .. }) => 1,
                Err(_) => 2,
            });
        }
        fates
    };
    let first = fates(1).await;
    assert_eq!(first, fates(1).await);
    assert_ne!(first, fates(2).await);
    assert!((1..=2).all(|fate| first.contains(&fate)), "{first:?}");
    assert!((100..170).contains(&first.iter().filter(|fate| **fate == 0).count()), "{first:?}");
}

//! The first wall: the filter that the scope layer adds, taken away from one door at a time.

use std::future::Future;
use std::pin::Pin;

use tenantry_testkit::Case;
use tenantry_testkit::contracts::{
    ACCOUNTS, ADVISORS, ANSWERS, API_KEYS, AUDIT, ERASURE, FACTORS, FOREIGN_ROWS, GUESSES, INVITATIONS, JOBS, LINKS,
    MEMBERS, OUTBOX, READING_LEDGER, READING_LOG, READINGS, REQUESTS, RESERVATIONS, SIGNING_KEYS, SYNC_FILES,
    SYNC_RUNS, SYNC_SESSIONS, TASKS, TENANCY,
};

use super::super::contracts::{tasks, world};
use super::super::fixture::sqlite;
use crate::scope::Act;
use crate::scope::lifted::{Door, Lifted, used};

/// Doors that may stay open, and why nobody can tell.
const INDIFFERENT: &[(Door, &str)] = &[
    (("guess_buckets", Act::Update), COUNTED_EARLY),
    (("guess_buckets", Act::Delete), COUNTED_EARLY),
    (("guess_buckets", Act::Insert), COUNTED_EARLY),
    (("memberships", Act::Select), "each statement there names the user as well"),
    (("memberships", Act::Delete), "people leave by a statement that names them as well"),
    (("outbox", Act::Insert), "anybody may cause a mail, and nobody's request reads one"),
    (("reading_chunks", Act::Insert), "pieces are added to readings in reach only"),
    (("reading_ledger", Act::Insert), SUMS_AND_ROWS),
    (("reading_sums", Act::Insert), SUMS_AND_ROWS),
    (("revocations", Act::Select), "every node reads all of them"),
    (("revocations", Act::Insert), "anybody may add one; they hold ids and epochs only"),
    (("signing_keys", Act::Select), "every node reads all of them"),
    (("sync_parts", Act::Insert), "whose they are is the transaction's word, and nobody else's"),
    (("sync_turns", Act::Insert), "asked for a run only, which is refused"),
];

const SUMS_AND_ROWS: &str = "the ledger's sums and its rows are written together, and either would be refused";

const COUNTED_EARLY: &str = "guesses are counted before anybody is known, under keys that name nobody";

/// A promise of the store, on its subject.
struct Promise {
    name: &'static str,
    check: Box<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Promise {
    /// On a task of its own, since a broken promise panics.
    async fn is_kept(&self) -> bool {
        tokio::spawn((self.check)()).await.is_ok()
    }
}

fn promises<Subject: Sync>(cases: &'static [Case<Subject>], subject: &'static Subject) -> Vec<Promise> {
    cases.iter().map(|case| Promise { name: case.name, check: Box::new(move || (case.check)(subject)) }).collect()
}

async fn every_promise() -> Vec<Promise> {
    let world = world(sqlite().await);
    let mut all = promises(ACCOUNTS, world);
    all.extend(promises(API_KEYS, world));
    all.extend(promises(AUDIT, world));
    all.extend(promises(ERASURE, world));
    all.extend(promises(FACTORS, world));
    all.extend(promises(INVITATIONS, world));
    all.extend(promises(JOBS, world));
    all.extend(promises(LINKS, world));
    all.extend(promises(MEMBERS, world));
    all.extend(promises(OUTBOX, world));
    all.extend(promises(TENANCY, world));
    all.extend(promises(TASKS, tasks(world)));
    all.extend(promises(REQUESTS, world));
    all.extend(promises(GUESSES, world));
    all.extend(promises(SIGNING_KEYS, world));
    all.extend(promises(ADVISORS, world));
    all.extend(promises(ANSWERS, world));
    all.extend(promises(READINGS, world));
    all.extend(promises(READING_LEDGER, world));
    all.extend(promises(READING_LOG, world));
    all.extend(promises(RESERVATIONS, world));
    all.extend(promises(SYNC_FILES, world));
    all.extend(promises(SYNC_RUNS, world));
    all.extend(promises(SYNC_SESSIONS, world));
    all.extend(promises(FOREIGN_ROWS, world));
    all
}

#[tokio::test]
async fn c6_a_missing_filter_breaks_a_promise_of_isolation() {
    let mut promises = every_promise().await;
    for promise in &promises {
        assert!(promise.is_kept().await, "{} is broken with all filters in place", promise.name);
    }
    let doors = used();
    promises.retain(|promise| promise.name.starts_with("c6_"));
    let mut unnoticed = Vec::new();
    for &door in &doors {
        let _lifted = Lifted::new(door);
        let mut is_noticed = false;
        for promise in &promises {
            is_noticed = is_noticed || !promise.is_kept().await;
        }
        if !is_noticed {
            unnoticed.push(door);
        }
    }
    let indifferent: Vec<Door> = INDIFFERENT.iter().map(|(door, _)| *door).collect();
    assert_eq!(unnoticed, indifferent, "left: doors whose filter no c6_ case misses; of {doors:?}");
}

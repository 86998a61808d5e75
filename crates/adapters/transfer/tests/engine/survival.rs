//! Workers that die at any moment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tenantry_sync::objects::ObjectStore;
use tenantry_sync::{Run, RunId, RunState};
use tenantry_testkit::environment;
use tenantry_testkit::objects::{Fault, FaultyStore, MemoryStore};
use tokio::time::timeout;

use super::fixture::{Site, Tenant, noise, postgres, sqlite};
use super::stores::HookedStore;

const PART: usize = 64 << 10;
const SMALL: usize = 60;

/// Files, the last two of them in parts.
fn fill(tenant: &Tenant, random: &mut fastrand::Rng) {
    for number in 0..SMALL {
        tenant.write(&format!("folder {}/small {number}", number % 7), noise(random.usize(0..3_000)));
    }
    for number in 0..2 {
        tenant.write(&format!("large {number}"), noise(random.usize(3 * PART..9 * PART)));
    }
}

/// A store that takes a few milliseconds for each call.
fn slow(memory: &Arc<MemoryStore>, seed: u64) -> Arc<HookedStore> {
    let random = std::sync::Mutex::new(fastrand::Rng::with_seed(seed));
    let late = FaultyStore::new(memory.clone(), move |_| {
        Fault::Late(Duration::from_micros(random.lock().unwrap().u64(100..6_000)))
    });
    let late: Arc<dyn ObjectStore> = Arc::new(late);
    HookedStore::counting(late)
}

/// What has arrived and was written down, and how often it was sent by then.
type Settled = BTreeMap<(String, u32), u64>;

/// Files that are uploaded have no parts any more; both are named by key and number.
const WRITTEN_DOWN: &str = "SELECT key || '#' FROM sync_files WHERE state = 'uploaded' UNION ALL \
     SELECT key || '#' || number FROM sync_parts JOIN sync_files ON sync_files.id = file_id";

async fn settled(site: &Site, store: &HookedStore) -> Settled {
    let written: BTreeSet<String> = site.texts(WRITTEN_DOWN).await.into_iter().collect();
    let is_written =
        |key: &str, part: u32| written.contains(&format!("{key}#")) || written.contains(&format!("{key}#{part}"));
    store.sent().into_iter().filter(|((key, part), _)| is_written(key, *part)).collect()
}

/// Lets worker after worker die until one sees the end; tells how many died.
async fn until_done(
    site: &Site,
    tenant: &Tenant,
    id: RunId,
    store: &Arc<HookedStore>,
    random: &mut fastrand::Rng,
) -> u32 {
    let mut deaths = 0;
    let mut before = Settled::new();
    loop {
        let worker = site.worker(store.clone());
        let life = Duration::from_micros(random.u64(1_000..150_000) * (1 + u64::from(deaths) / 4));
        let has_ended = timeout(life, site.ended(tenant, id)).await.is_ok();
        if has_ended {
            worker.stop().await;
        } else {
            worker.crash().await;
        }
        let sent = store.sent();
        for (what, times) in before {
            assert_eq!(sent[&what], times, "{what:?} was written down, and sent again");
        }
        if has_ended {
            return deaths;
        }
        deaths += 1;
        before = settled(site, store).await;
        // So that it is not given up, and nobody waits.
        site.expire_leases().await;
        site.execute("UPDATE sync_runs SET crashes = 0, run_after_ms = 0").await;
    }
}

async fn survive(site: Site, rounds: u64) {
    let mut total = 0;
    for round in 0..rounds {
        let mut random = fastrand::Rng::with_seed(round);
        let (memory, tenant) = (site.memory(), site.newcomer().await);
        fill(&tenant, &mut random);
        let session = site.session(&tenant, |_| {}).await;
        let id = site.start(&tenant, &session).await;
        let store = slow(&memory, round);
        let deaths = until_done(&site, &tenant, id, &store, &mut random).await;
        total += deaths;
        let run: Run = site.run(&tenant, id).await;
        assert_eq!(run.state, RunState::Finished, "round {round}: {run:?}");
        tenant.assert_arrived(&memory);
        let progress = run.progress;
        let files = u64::try_from(SMALL + 2).unwrap();
        assert_eq!((progress.total_files, progress.files_uploaded), (files, files), "round {round}: {run:?}");
        assert_eq!(progress.bytes_uploaded, progress.total_bytes, "round {round}: {run:?}");
        site.clock.advance(chrono::Duration::seconds(1));
        let worker = site.worker(memory.clone());
        let last = site.complete(&tenant, &session).await;
        assert_eq!((last.progress.files_skipped, memory.open_uploads()), (files, 0), "round {round}");
        worker.stop().await;
    }
    assert!(rounds < 5 || total > 0, "nobody has died");
}

fn rounds() -> u64 {
    environment::number("TEST_DEATHS").unwrap_or(30)
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_whenever_a_worker_dies_on_sqlite_everything_arrives() {
    survive(sqlite().await, rounds()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_whenever_a_worker_dies_on_postgresql_everything_arrives() {
    let Some(site) = postgres().await else { return };
    survive(site, rounds()).await;
}

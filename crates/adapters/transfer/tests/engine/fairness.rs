//! Organisations that want more than there is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use tenantry_sync::RunState;
use tenantry_testkit::environment;
use tenantry_testkit::objects::Operation;
use tenantry_transfer::engine::TransferOptions;
use tokio::time::{Instant, sleep};

use super::fixture::{Site, noise, postgres, quick, sites, sqlite};
use super::stores::{HookedStore, Seen};

/// What runs at once, by what the keys of an organisation begin with.
#[derive(Default)]
struct Watch {
    now: BTreeMap<String, usize>,
    most: usize,
    ended: Vec<String>,
}

fn organization(key: &str) -> String {
    key.split('/').next().unwrap().to_owned()
}

async fn take_turns(site: Site, organizations: usize, sessions: usize) {
    let mut tenants = Vec::new();
    for _ in 0..organizations {
        tenants.push(site.newcomer().await);
    }
    // One organisation has asked for all of its runs before the next one asks for any.
    for tenant in &tenants {
        join_all((0..sessions).map(async |_| {
            let session = site.session(tenant, |_| {}).await;
            site.start(tenant, &session).await;
        }))
        .await;
    }
    let watch = Arc::new(Mutex::new(Watch::default()));
    let watching = watch.clone();
    // The last that each run asks of the store.
    let store = HookedStore::new(site.memory(), move |seen: Seen| {
        let watch = watching.clone();
        Box::pin(async move {
            assert_eq!(seen.operation, Operation::ListUploads);
            let organization = organization(&seen.key);
            {
                let mut watch = watch.lock().unwrap();
                let now = watch.now.entry(organization.clone()).or_default();
                *now += 1;
                let now = *now;
                watch.most = watch.most.max(now);
            }
            sleep(Duration::from_millis(2)).await;
            let mut watch = watch.lock().unwrap();
            *watch.now.get_mut(&organization).unwrap() -= 1;
            watch.ended.push(organization);
        })
    });
    let _workers: Vec<_> = (0..3).map(|_| site.worker(store.clone())).collect();
    let all = organizations * sessions;
    site.reaches("SELECT count(*) FROM sync_runs WHERE state = 'finished'", i64::try_from(all / 2).unwrap()).await;
    let watch = watch.lock().unwrap();
    let mut shares: BTreeMap<&str, usize> = BTreeMap::new();
    for organization in &watch.ended[..all / 2] {
        *shares.entry(organization).or_default() += 1;
    }
    let mean = sessions / 2;
    assert_eq!(shares.len(), organizations);
    assert!(shares.values().all(|share| share.abs_diff(mean) * 5 <= mean), "{shares:?}");
    assert!(watch.most <= usize::from(quick().runs_of_one), "{} at once", watch.most);
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_organisations_take_turns_on_sqlite() {
    let sessions = environment::number("TEST_QUEUED_RUNS").unwrap_or(100);
    take_turns(sqlite().await, 10, sessions.try_into().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_organisations_take_turns_on_postgresql() {
    let sessions = environment::number("TEST_QUEUED_RUNS").unwrap_or(40);
    let Some(site) = postgres().await else { return };
    take_turns(site, 10, sessions.try_into().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_one_organisation_does_not_keep_another_waiting() {
    for site in sites().await {
        let memory = site.memory();
        site.bob.write("file", noise(10));
        site.ada.write("file", noise(10));
        let prefix = site.ada.prefix();
        // The store is stuck with whatever the one organisation sends.
        let store = HookedStore::new(memory.clone(), move |seen: Seen| {
            if seen.key.starts_with(&prefix) { Box::pin(std::future::pending()) } else { Box::pin(async {}) }
        });
        let options = TransferOptions { runs: 4, runs_of_one: 3, ..quick() };
        let _worker = site.worker_with(store, options);
        for _ in 0..6 {
            let session = site.session(&site.ada, |_| {}).await;
            site.start(&site.ada, &session).await;
        }
        let started = "SELECT count(*) FROM sync_runs WHERE state = 'started'";
        site.reaches(started, 3).await;
        let session = site.session(&site.bob, |_| {}).await;
        let since = Instant::now();
        let run = site.go(&site.bob, &session).await;
        assert_eq!(run.state, RunState::Finished);
        assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
        assert_eq!(site.number(started).await, 3, "no more of one organisation are begun");
        site.bob.assert_arrived(&memory);
    }
}

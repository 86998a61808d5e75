//! Providers that fail in every way, people who give up, and workers that die: each reading ends once, and is paid once.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use futures_util::stream::{self, StreamExt as _};
use tenantry_generation::GenerationOptions;
use tenantry_readings::{NanoUsd, ProviderError, Reading, ReadingStatus, Sequence};
use tenantry_testkit::environment;
use tokio::time::{sleep, timeout};

use super::provider::{Actor, Beat};
use super::site::{Differences, LONGEST, Process, Site, sites};

/// Readings of one run of this test on each database; `TEST_READINGS` for more.
const READINGS: u64 = 200;

/// How long a worker lives, in milliseconds.
const LIFE: std::ops::Range<u64> = 300..2_500;

fn any_script() -> Vec<Beat> {
    let mut rng = Rng::new();
    let mut beats = Vec::new();
    for _ in 0..rng.u8(0..12) {
        beats.push(match rng.u8(..10) {
            0..5 => Beat::Say("word "),
            5..8 => Beat::Pause(Duration::from_millis(rng.u64(0..60))),
            _ => Beat::Charge(NanoUsd::from_nanos(rng.i64(0..1_000))),
        });
    }
    let error = [
        ProviderError::BrokenOff,
        ProviderError::Malformed,
        ProviderError::Failed,
        ProviderError::Unreachable,
        ProviderError::Throttled { retry_after: Some(Duration::from_millis(20)) },
        ProviderError::Unavailable { status: 503, retry_after: None },
        ProviderError::Refused { status: 400 },
    ];
    match rng.u8(..10) {
        0..6 => {}
        6..9 => beats.push(Beat::Fail(rng.choice(error).unwrap())),
        _ => beats.push(Beat::Hang),
    }
    beats
}

/// Asks, and then waits, follows for a while, or cancels.
async fn live_through(process: &Process, site: &Site) -> Reading {
    let (mut rng, ada) = (Rng::new(), &site.ada.owner);
    let reading = process.ask(ada, "Which way?").await.unwrap();
    match rng.u8(..4) {
        0 => {
            sleep(Duration::from_millis(rng.u64(0..200))).await;
            process.readings.cancel(ada, reading.id).await.unwrap();
        }
        1 => {
            let mut follower = process.readings.follow(ada, reading.id, Sequence::START).await.unwrap();
            // Gone in the middle, or not.
            drop(timeout(Duration::from_millis(rng.u64(0..300)), follower.next()).await);
        }
        _ => {}
    }
    process.wait(ada, reading.id).await
}

/// One worker after the other, each of which dies in the middle of what it does.
async fn die_again_and_again(process: Arc<Process>) {
    loop {
        let worker = process.work();
        sleep(Duration::from_millis(fastrand::u64(LIFE))).await;
        drop(worker);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m11_each_reading_ends_once_and_is_paid_once_whatever_happens() {
    let readings = environment::number("TEST_READINGS").unwrap_or(READINGS);
    for site in sites().await {
        let options = GenerationOptions {
            first_piece: Duration::from_millis(500),
            idle: Duration::from_millis(500),
            total: Duration::from_secs(10),
            first_wait: Duration::from_millis(10),
            breaker_failures: u32::MAX,
            overdue: Duration::from_secs(1),
            ..GenerationOptions::default()
        };
        let actor = Actor::new(|_| any_script());
        let process =
            Arc::new(site.process(actor, &Differences { options, answers: (16, None), ..Differences::default() }));
        let workers = [(); 2].map(|()| tokio::spawn(die_again_and_again(process.clone())));
        let ended: Vec<Reading> =
            stream::iter(0..readings).map(|_| live_through(&process, &site)).buffer_unordered(24).collect().await;
        workers.iter().for_each(tokio::task::JoinHandle::abort);
        for reading in &ended {
            let whole = timeout(LONGEST, process.frames(&site.ada.owner, reading.id, Sequence::START)).await.unwrap();
            assert_eq!(i64::try_from(whole.len()).unwrap(), reading.over_at.unwrap().number() + 1);
        }
        let count = |status| ended.iter().filter(|reading| reading.status == status).count();
        let counts = [ReadingStatus::Completed, ReadingStatus::Failed, ReadingStatus::Cancelled].map(count);
        eprintln!("completed, failed, cancelled: {counts:?}");
        site.assert_settled(readings.try_into().unwrap()).await;
        assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
    }
}

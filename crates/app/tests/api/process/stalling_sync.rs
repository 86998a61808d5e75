//! A worker stands still for longer than it may, and another one does its work: what the first one does when it goes on
//! changes nothing any more.

use std::time::{Duration, Instant};

use tenantry_testkit::environment;
use tokio::time::sleep;

use super::binary::Worker;
use super::sync_trial::{Files, Objects, Trial, seeded};
use crate::database::Database;

/// How often a worker stands still in these tests; `TEST_STALLS` for more.
const STALLS: u64 = 2;

const FILES: Files = Files { small: 60, small_bytes: 500_000, large: 1, large_bytes: 9 << 20 };

#[tokio::test(flavor = "multi_thread")]
async fn u8_a_worker_that_stood_still_changes_nothing_on_sqlite() {
    stall_again_and_again(&Database::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_a_worker_that_stood_still_changes_nothing_on_postgresql() {
    let Some(database) = Database::postgres().await else { return };
    stall_again_and_again(&database).await;
}

async fn stall_again_and_again(database: &Database) {
    let (mut rng, seed) = seeded();
    let lease = [("TENANTRY__SYNC__LEASE_SECONDS", "2")];
    let arguments = (&["serve", "--no-worker"][..], &lease[..]);
    let trial = Trial::prepare(database, Objects::bucket().await, FILES, 8, arguments).await;
    let Objects::Bucket { memory, .. } = &trial.objects else { unreachable!() };
    let mut refused = 0;
    for _ in 0..environment::number("TEST_STALLS").unwrap_or(STALLS) {
        trial.fill(&mut rng);
        let job = trial.start().await;
        // With files in its hands for two seconds before it sends them.
        let first = worker(&trial, &[("TENANTRY__SYNC__BANDWIDTH_KIB_PER_SECOND", "2000")]);
        trial.when(&job, |status| status["files_uploaded"].as_u64().unwrap() > 2).await;
        sleep(Duration::from_millis(rng.u64(..1_000))).await;
        first.signal("STOP");
        trial.fill(&mut rng);
        let second = worker(&trial, &[]);
        let ended = trial.ended(&job).await;
        // What the first one had sent is an older version now.
        let next = trial.start().await;
        trial.ended(&next).await;
        trial.compare(seed);
        let (objects, before) = (memory.objects(), memory.calls().too_late);

        first.signal("CONT");
        let since = Instant::now();
        while !first.log().contains("a run is left to another worker") {
            assert!(since.elapsed() < Duration::from_mins(1), "seed {seed}: it does not notice: {}", first.log());
            sleep(Duration::from_millis(20)).await;
        }
        // Whatever it sent before it noticed has been answered.
        sleep(Duration::from_millis(500)).await;
        assert_eq!(memory.objects(), objects, "seed {seed}: an older version has won");
        assert_eq!(trial.ended(&job).await, ended, "seed {seed}: it was heard");
        refused += memory.calls().too_late - before;
        trial.compare(seed);
        drop(second);
        // Nor has it taken harm.
        trial.fill(&mut rng);
        let last = trial.start().await;
        trial.when(&last, |status| status["files_uploaded"].as_u64().unwrap() > 0).await;
        drop(first);
        let _third = worker(&trial, &[]);
        trial.ended(&last).await;
        trial.compare(seed);
    }
    eprintln!("{refused} writes of older versions were refused");
    assert!(refused > 0, "seed {seed}: nobody wrote anything too late");
}

fn worker(trial: &Trial<'_>, settings: &[(&'static str, &str)]) -> Worker {
    let variables = trial.variables();
    let mut variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    variables.extend(settings);
    Worker::start(&variables)
}

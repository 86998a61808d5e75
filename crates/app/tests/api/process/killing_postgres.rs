//! PostgreSQL is killed again and again while a server syncs: the server waits for it, and goes on where it was.

use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::Value;
use tenantry_testkit::environment;
use tenantry_testkit::postgres::Cluster;
use tokio::time::sleep;

use super::sync_trial::{Files, Objects, Trial, seeded};
use crate::database::Database;

/// Kills of one run of these tests; `TEST_KILLS` for more.
const KILLS: u64 = 4;

const FILES: Files = Files { small: 400, small_bytes: 100, large: 2, large_bytes: 25 << 20 };

#[tokio::test(flavor = "multi_thread")]
async fn u8_a_run_into_a_folder_survives_that_postgresql_is_killed() {
    kill_again_and_again(Objects::Folder).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_a_run_into_a_bucket_survives_that_postgresql_is_killed() {
    kill_again_and_again(Objects::bucket().await).await;
}

async fn kill_again_and_again(objects: Objects) {
    let Some(mut cluster) = Cluster::mortal().await else { return };
    let kills = environment::number("TEST_KILLS").unwrap_or(KILLS);
    let (mut rng, seed) = seeded();
    let database = Database::on(&cluster).await;
    let settings = [
        ("TENANTRY__SYNC__BANDWIDTH_KIB_PER_SECOND", "20000"),
        // Longer than PostgreSQL takes to come back on the slowest machine: then nobody may be taken for dead.
        ("TENANTRY__SYNC__LEASE_SECONDS", "120"),
    ];
    let trial = Trial::prepare(&database, objects, FILES, 4, (&["serve"], &settings)).await;
    let (mut killed, mut longest) = (0, Duration::ZERO);
    while killed < kills {
        trial.fill(&mut rng);
        trial.forget_sent();
        let job = trial.start().await;
        while killed < kills {
            sleep(Duration::from_millis(rng.u64(..1_500))).await;
            let before = trial.when(&job, |_| true).await;
            if !before["finished_at"].is_null() {
                break;
            }
            longest = longest.max(kill(&mut cluster, &trial, &job, &before, &mut rng).await);
            killed += 1;
        }
        trial.ended(&job).await;
        trial.compare(seed);
        let crashes = "SELECT 'crashed' FROM sync_runs WHERE crashes > 0";
        assert!(database.texts(crashes).await.is_empty(), "seed {seed}: a worker was taken for dead");
        let again: Vec<_> = trial.sent().into_iter().filter(|(_, times)| *times > 1).collect();
        assert!(again.is_empty(), "seed {seed}: {again:?}");
    }
    eprintln!("PostgreSQL was killed {killed} times; runs went on at most {longest:?} after it was back");
    assert!(longest < Duration::from_secs(30), "{longest:?}");
}

/// Kills the database and starts it again after a moment; tells how long it took then until the run went on.
async fn kill(cluster: &mut Cluster, trial: &Trial<'_>, job: &str, before: &Value, rng: &mut Rng) -> Duration {
    cluster.kill();
    sleep(Duration::from_millis(rng.u64(..1_000))).await;
    cluster.start_again();
    let back = Instant::now();
    let far =
        |status: &Value| ["status", "scanned", "bytes_uploaded", "files_uploaded"].map(|name| status[name].clone());
    trial.when(job, |status| far(status) != far(before)).await;
    back.elapsed()
}

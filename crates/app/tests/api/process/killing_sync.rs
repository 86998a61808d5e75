//! A server is killed again and again while it syncs: in the end every object is there, byte for byte, nothing is left
//! lying about, and little was sent twice.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use tenantry_testkit::environment;
use tokio::time::sleep;

use super::sync_trial::{Files, Objects, PART, Piece, Trial, seeded};
use crate::database::Database;

/// Kills of one run of these tests; `TEST_KILLS` for more.
const KILLS: u64 = 4;

/// Five deaths would have a job given up, and on a busy machine a worker that lives may be thought dead once.
const KILLS_OF_ONE: u64 = 3;

/// The large ones have a little more than three parts.
const FILES: Files = Files { small: 400, small_bytes: 100, large: 2, large_bytes: 25 << 20 };

const WORKERS: u16 = 2;

/// Held back a little, so that there is something to kill.
const KIB_PER_SECOND: u64 = 20_000;

#[tokio::test(flavor = "multi_thread")]
async fn u8_a_run_into_a_folder_survives_kills_on_sqlite() {
    kill_again_and_again(&Database::sqlite().await, Objects::Folder).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_a_run_into_a_folder_survives_kills_on_postgresql() {
    let Some(database) = Database::postgres().await else { return };
    kill_again_and_again(&database, Objects::Folder).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_a_run_into_a_bucket_survives_kills_on_sqlite() {
    kill_again_and_again(&Database::sqlite().await, Objects::bucket().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_a_run_into_a_bucket_survives_kills_on_postgresql() {
    let Some(database) = Database::postgres().await else { return };
    kill_again_and_again(&database, Objects::bucket().await).await;
}

async fn kill_again_and_again(database: &Database, objects: Objects) {
    let kills = environment::number("TEST_KILLS").unwrap_or(KILLS);
    let (mut rng, seed) = seeded();
    let pace = KIB_PER_SECOND.to_string();
    let settings =
        [("TENANTRY__SYNC__LEASE_SECONDS", "4"), ("TENANTRY__SYNC__BANDWIDTH_KIB_PER_SECOND", pace.as_str())];
    let mut trial = Trial::prepare(database, objects, FILES, WORKERS, (&["serve"], &settings)).await;
    let (mut killed, mut most_lost) = (0, 0);
    while killed < kills {
        trial.fill(&mut rng);
        let (deaths, lost) = run_to_its_end(&mut trial, &mut rng, (kills - killed).min(KILLS_OF_ONE)).await;
        (killed, most_lost) = (killed + deaths, most_lost.max(lost));
        trial.compare(seed);
    }
    eprintln!("{killed} kills, after each of which at most {most_lost} bytes had to be sent again");
}

/// Starts the session and kills the server up to so many times until the job has ended; tells how many it were, and
/// the most that was sent and not written down at any of them.
async fn run_to_its_end(trial: &mut Trial<'_>, rng: &mut Rng, most: u64) -> (u64, u64) {
    trial.forget_sent();
    let job = trial.start().await;
    let (mut kills, mut most_lost) = (0, 0);
    let mut settled = BTreeMap::new();
    while kills < most {
        // Mostly in the midst of it, at times while it waits for its last worker to be given up.
        let is_patient = rng.u8(..4) > 0;
        while is_patient && !trial.is_under_way().await && has_not_ended(trial, &job).await {
            sleep(Duration::from_millis(20)).await;
        }
        sleep(Duration::from_millis(rng.u64(..1_500))).await;
        if !has_not_ended(trial, &job).await {
            break;
        }
        let folder = trial.kill();
        kills += 1;
        let lost;
        (settled, lost) = settle(trial, &settled).await;
        most_lost = most_lost.max(lost);
        trial.start_again(folder);
    }
    trial.ended(&job).await;
    settle(trial, &settled).await;
    (kills, most_lost)
}

async fn has_not_ended(trial: &Trial<'_>, job: &str) -> bool {
    trial.status(job).await.is_some_and(|status| status["finished_at"].is_null())
}

/// What was sent and is written down now, and how many bytes were sent that are not. Nothing that was written down
/// before may have been sent again.
async fn settle(trial: &Trial<'_>, before: &BTreeMap<Piece, u64>) -> (BTreeMap<Piece, u64>, u64) {
    // A batch is what came about in a quarter of a second, and what does while it is written.
    const BATCH: u64 = KIB_PER_SECOND << 10;
    let sent = trial.sent();
    for (piece, times) in before {
        assert_eq!(sent[piece], *times, "{piece:?} was written down, and sent again");
    }
    let written = trial.written_down(&sent).await;
    let lost = sent.keys().filter(|piece| !written.contains(*piece)).map(|piece| trial.bytes_of(piece)).sum();
    assert!(lost <= u64::from(WORKERS) * PART + BATCH, "{lost} bytes were sent and not written down");
    (sent.into_iter().filter(|(piece, _)| written.contains(piece)).collect(), lost)
}

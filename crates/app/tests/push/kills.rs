//! The client is killed again and again: in the end every object is there, byte for byte.

use std::time::Duration;

use fastrand::Rng;
use serde_json::json;
use tenantry_testkit::environment;

use crate::site::{Site, Store};

/// Kills of one run of this test; `TEST_KILLS` for more.
const KILLS: u64 = 4;

#[tokio::test(flavor = "multi_thread")]
async fn u8_a_push_to_a_folder_survives_kills() {
    kill_again_and_again(&Site::start(Store::Folder).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_a_push_to_s3_survives_kills() {
    kill_again_and_again(&Site::start(Store::s3().await).await);
}

fn kill_again_and_again(site: &Site) {
    let kills = environment::number("TEST_KILLS").unwrap_or(KILLS);
    let seed = environment::number("TEST_SEED").unwrap_or_else(|| Rng::new().u64(..));
    let mut random = Rng::with_seed(seed);
    for number in 0..200 {
        site.write_random(&format!("{}/{number}", number % 9), number);
    }
    site.write_random("large", 20 << 20);
    let mut killed = 0;
    for _ in 0..kills {
        // Held back a little, so that there is something to kill: the first takes two seconds if nobody does.
        let mut child = site.push(&["--bandwidth", "10000", "--quiet"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(random.u64(..1_200)));
        killed += u64::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let told = site.run_well(&[]);
    assert_eq!(told.last().unwrap()["files_failed"], json!(0), "seed {seed}");
    assert!(killed > 0, "seed {seed}");
    site.compare();
    assert_eq!(site.run_well(&[]).last().unwrap()["files_uploaded"], json!(0), "seed {seed}");
}

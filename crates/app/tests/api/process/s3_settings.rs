//! A server whose settings lead to a bucket.

use std::fs;

use tenantry_testkit::objects::{ACCESS_KEY, SECRET_KEY};

use super::sync_trial::{Files, Objects, Trial, seeded};
use crate::database::Database;

/// The large one goes in two parts.
const FILES: Files = Files { small: 5, small_bytes: 100, large: 1, large_bytes: 9 << 20 };

#[tokio::test(flavor = "multi_thread")]
async fn u7_a_session_writes_with_the_rights_of_its_profile() {
    let folder = tempfile::tempdir().unwrap();
    let profiles = folder.path().join("credentials");
    let archive = format!("[archive]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n");
    fs::write(&profiles, archive).unwrap();
    let settings = [
        ("AWS_SHARED_CREDENTIALS_FILE", profiles.to_str().unwrap()),
        ("AWS_SECRET_ACCESS_KEY", "not-the-key"),
        ("TENANTRY__OBJECTS__REGION", "eu-central-1"),
        ("TENANTRY__OBJECTS__SIGN_BODIES", "true"),
        ("TENANTRY__SYNC__ALLOWED_PROFILES", "archive"),
    ];
    let (database, (mut rng, seed)) = (Database::sqlite().await, seeded());
    let trial = Trial::prepare(&database, Objects::bucket().await, FILES, 2, (&["serve"], &settings)).await;
    trial.fill(&mut rng);
    // The server's own key opens nothing.
    let job = trial.start().await;
    let refused = trial.when(&job, |status| !status["finished_at"].is_null()).await;
    assert_eq!((refused["files_uploaded"].as_u64(), refused["files_failed"].as_u64()), (Some(0), Some(6)), "{refused}");
    trial.use_profile("archive").await;
    let job = trial.start().await;
    trial.ended(&job).await;
    trial.compare(seed);
}

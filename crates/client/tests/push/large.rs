use tenantry_client::push::Options;

use crate::fake::{Fault, Kind, PART};
use crate::fixture::Trial;

#[tokio::test]
async fn u8_large_files_go_in_parts() {
    let trial = Trial::new(Kind::Presigned).await;
    trial.write_random("a", 70 * PART + 5);
    trial.write_random("b", PART + 1);
    trial.write_random("exactly one", PART);
    let passed = trial.run_well().await;
    assert_eq!((trial.fake.count("PUT", ""), trial.fake.count("POST", "/parts")), (71 + 2 + 1, 4));
    assert_eq!(passed.counts.bytes_uploaded, passed.counts.total_bytes);
    assert_eq!(trial.run_well().await.counts.files_skipped, 3);
}

#[tokio::test]
async fn u8_a_large_file_goes_on_where_it_was() {
    let trial = Trial::new(Kind::Presigned).await;
    trial.write_random("a", 20 * PART);
    // All but the first ten parts fail, for good.
    trial.fake.fail("PUT", "/store/", 10, Fault::Meanwhile(std::sync::Arc::new(|| {})));
    trial.fake.fail("PUT", "/store/", usize::MAX, Fault::Reset);
    let passed = trial.run(Options { retries: 0, jobs: 1, ..trial.options() }).await.unwrap();
    assert_eq!((passed.counts.files_failed, passed.counts.bytes_uploaded), (1, 0));
    trial.fake.heal();
    let before = trial.fake.count("PUT", "");
    let passed = trial.run_well().await;
    assert_eq!(trial.fake.count("PUT", "") - before, 10);
    assert_eq!(passed.counts.files_uploaded, 1);
}

#[tokio::test]
async fn u8_parts_that_fail_for_a_while_arrive() {
    for fault in [
        Fault::Answer(503, ""),
        Fault::Answer(403, "<Error><Code>ExpiredToken</Code></Error>"),
        Fault::Reset,
        Fault::LostReply,
        Fault::BreakAfter(1_000),
    ] {
        let trial = Trial::new(Kind::Presigned).await;
        trial.write_random("a", 9 * PART + 1);
        trial.fake.fail("PUT", "/store/", 4, fault);
        trial.fake.fail("POST", "/parts", 2, Fault::LostReply);
        trial.run_well().await;
        assert_eq!(trial.fake.faults_left(), 0);
    }
}

#[tokio::test]
async fn u8_an_upload_that_is_gone_is_begun_anew() {
    let trial = Trial::new(Kind::Presigned).await;
    trial.write_random("a", 5 * PART);
    trial.fake.fail("PUT", "/store/", 1, Fault::Answer(404, "<Error><Code>NoSuchUpload</Code></Error>"));
    let passed = trial.run_well().await;
    assert_eq!(passed.counts.bytes_uploaded, passed.counts.total_bytes);
}

#[tokio::test]
async fn u8_memory_is_bounded() {
    let trial = Trial::new(Kind::Presigned).await;
    for number in 0..6 {
        trial.write_random(&number.to_string(), 3 * PART);
    }
    for number in 0..50 {
        trial.write_random(&format!("small {number}"), 100_000);
    }
    // Room for one part, and for a few small files.
    let options = Options { memory_bytes: 2 << 20, ..trial.options() };
    let passed = trial.run(options).await.unwrap();
    assert_eq!(passed.counts.files_uploaded, 56);
    trial.compare();
}

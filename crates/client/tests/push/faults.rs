use std::fs;
use std::sync::Arc;

use tenantry_client::push::{Options, PushError};

use crate::fake::{Fault, Kind};
use crate::fixture::Trial;

#[tokio::test]
async fn u8_what_fails_for_a_while_arrives() {
    let slow = "<Error><Code>SlowDown</Code></Error>";
    let denied = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
    for (method, path, fault) in [
        ("PUT", "/store/", Fault::Answer(503, slow)),
        ("PUT", "/store/", Fault::Answer(500, "")),
        ("PUT", "/store/", Fault::Answer(403, denied)),
        ("PUT", "/store/", Fault::Answer(400, "<Error><Code>BadDigest</Code></Error>")),
        ("PUT", "/store/", Fault::Reset),
        ("PUT", "/store/", Fault::LostReply),
        ("PUT", "/store/", Fault::BreakAfter(3)),
        ("POST", "/direct", Fault::LostReply),
        ("POST", "/direct", Fault::Answer(429, "")),
        ("POST", "/files", Fault::LostReply),
        ("POST", "/files", Fault::Reset),
        ("POST", "/files/complete", Fault::LostReply),
        ("POST", "/files/complete", Fault::Answer(502, "<html>")),
        ("POST", "/finish", Fault::LostReply),
    ] {
        let trial = Trial::new(Kind::Presigned).await;
        for number in 0..20 {
            trial.write(number.to_string(), format!("file {number}").as_bytes());
        }
        trial.fake.fail(method, path, 3, fault);
        let passed = trial.run_well().await;
        assert_eq!(passed.counts.files_uploaded, 20, "{method} {path}");
        assert_eq!((trial.fake.faults_left(), trial.fake.state().jobs_begun.len()), (0, 1), "{method} {path}");
        assert_eq!(passed.counts.bytes_uploaded, passed.counts.total_bytes, "{method} {path}");
        assert_eq!(trial.run_well().await.counts.files_skipped, 20);
    }
}

#[tokio::test]
async fn u8_a_store_that_never_works_is_given_up() {
    let trial = Trial::new(Kind::Presigned).await;
    for number in 0..100 {
        trial.write(number.to_string(), b"x");
    }
    trial.fake.fail("PUT", "/store/", usize::MAX, Fault::Answer(403, "<Error><Code>AccessDenied</Code></Error>"));
    let error = trial.run(Options { retries: 1, ..trial.options() }).await.unwrap_err();
    assert!(matches!(&error, PushError::Store(reason) if reason.contains("AccessDenied")), "{error:?}");
    assert_eq!(trial.fake.state().ended, Some("cancelled"));
}

#[tokio::test]
async fn u8_a_server_that_is_gone_ends_the_push() {
    let trial = Trial::new(Kind::Presigned).await;
    trial.write("a", b"a");
    trial.fake.fail("POST", "/files", usize::MAX, Fault::Reset);
    let error = trial.run(Options { retries: 1, ..trial.options() }).await.unwrap_err();
    assert_eq!(error.to_string(), "the server can't be reached");
    assert!(error.is_transient());
}

#[tokio::test]
async fn u8_a_request_that_is_too_much_is_halved() {
    let trial = Trial::new(Kind::Presigned).await;
    for number in 0..40 {
        trial.write(number.to_string(), b"x");
    }
    trial.fake.fail("POST", "/files", 2, Fault::Answer(413, ""));
    assert_eq!(trial.run_well().await.counts.files_uploaded, 40);
    assert!(trial.fake.faults_left() == 0 && trial.fake.count("POST", "/files") > 3);
}

#[tokio::test]
async fn u8_a_file_that_changes_meanwhile_is_sent_as_it_is_in_the_end() {
    for (size, after) in [(600 << 10, "/files"), (3 << 20, "/files"), (3 << 20, "/store/")] {
        let trial = Trial::new(Kind::Presigned).await;
        trial.write_random("a", size);
        trial.write("b", b"b");
        let file = trial.at("a");
        let act = move || fs::write(&file, vec![7; size]).unwrap();
        let method = if after == "/files" { "POST" } else { "PUT" };
        trial.fake.fail(method, after, 1, Fault::Meanwhile(Arc::new(act)));
        let passed = trial.run_well().await;
        assert_eq!((passed.counts.files_uploaded, trial.fake.faults_left()), (2, 0), "{size} {after}");
        assert_eq!(passed.counts.bytes_uploaded, passed.counts.total_bytes);
    }
}

#[tokio::test]
async fn u8_a_file_that_vanishes_is_no_failure_unless_it_was_declared() {
    let trial = Trial::new(Kind::Presigned).await;
    trial.write_random("a", 600 << 10);
    let file = trial.at("a");
    trial.fake.fail("POST", "/files", 1, Fault::Meanwhile(Arc::new(move || fs::remove_file(&file).unwrap())));
    let passed = trial.run(trial.options()).await.unwrap();
    assert_eq!((passed.counts.files_failed, passed.counts.bytes_uploaded), (1, 0));
    assert_eq!(trial.told.of("file")[0]["error"], "is no longer there");
}

#[tokio::test]
async fn u8_damage_to_the_cache_costs_time_only() {
    let trial = Trial::new(Kind::Presigned).await;
    for number in 0..50 {
        trial.write(number.to_string(), format!("file {number}").as_bytes());
    }
    trial.run_well().await;
    for entry in fs::read_dir(trial.cache.path()).unwrap().map(Result::unwrap) {
        fs::write(entry.path(), [0x5a; 4_096]).unwrap();
    }
    assert_eq!(trial.run_well().await.counts.files_skipped, 50);
}

use std::os::unix::fs::symlink;
use std::time::Duration;

use serde_json::json;
use tenantry_client::push::{Mode, Options, Stop, Target};
use tenantry_source::Globs;

use crate::fake::{Fault, Kind};
use crate::fixture::Trial;

#[tokio::test]
async fn u8_files_arrive_byte_for_byte_and_are_sent_once() {
    let trial = Trial::new(Kind::Presigned).await;
    for number in 0..2_500 {
        trial.write(format!("folder {}/{number}", number % 13), format!("file {number}").as_bytes());
    }
    trial.write("empty", b"");
    trial.write(b"not utf-8 \xff", b"x");
    trial.write("line\nbreak", b"y");
    trial.write_random("600 KiB", 600 << 10);
    let first = trial.run_well().await.counts;
    assert_eq!((first.total_files, first.files_uploaded, first.files_skipped), (2_504, 2_504, 0));
    assert_eq!(first.bytes_uploaded, first.total_bytes);
    assert_eq!((trial.fake.count("PUT", ""), trial.fake.count("POST", "/direct")), (2_504, 1));
    assert!(trial.fake.count("POST", "/files") < 250, "{}", trial.fake.count("POST", "/files"));
    assert_eq!(trial.fake.state().ended, Some("finished"));
    let second = trial.run_well().await.counts;
    assert_eq!((second.files_uploaded, second.files_skipped, second.bytes_uploaded), (0, 2_504, 0));
    assert_eq!(second.bytes_skipped, second.total_bytes);
    assert_eq!(trial.fake.count("PUT", ""), 2_504);
    assert_eq!(trial.told.of("done").len(), 2);
    assert_eq!(
        trial.told.of("warning"),
        vec![
            json!({"event": "warning", "kind": "not_utf8", "path": "not utf-8 \u{fffd}",
        "path_base64": "bm90IHV0Zi04IP8="});
            2
        ]
    );
    trial.write("folder 1/1", b"changed");
    assert_eq!(trial.run_well().await.counts.files_uploaded, 1);
}

#[tokio::test]
async fn u8_only_what_was_asked_for_is_sent() {
    let trial = Trial::new(Kind::Presigned).await;
    for path in ["a.raw", "b.tmp", "sub/c.raw", ".env", "sub/.ssh/id_rsa", "notes"] {
        trial.write(path, path.as_bytes());
    }
    symlink("a.raw", trial.at("link")).unwrap();
    let globs = |pattern: &str| Globs::parse(&[pattern.to_owned()]).unwrap();
    let options = Options { include: globs("*.raw"), exclude: globs("sub/"), ..trial.options() };
    assert_eq!(trial.run(options).await.unwrap().counts.total_files, 1);
    let counted = trial.run(Options { mode: Mode::Count, ..trial.options() }).await.unwrap();
    assert_eq!((counted.counts.total_files, counted.job_id), (4, None));
    assert_eq!(trial.fake.count("", ""), 5, "begun, declared, sent, completed and finished");
    trial.run(trial.options()).await.unwrap();
    let sent: Vec<_> = trial.fake.state().objects.keys().map(|path| String::from_utf8(path.clone()).unwrap()).collect();
    assert_eq!(sent, ["a.raw", "b.tmp", "notes", "sub/c.raw"]);
    let kinds: Vec<_> = trial.told.of("warning").iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "symlink").count(), 2, "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| **kind == "sensitive").count(), 4, "{kinds:?}");
}

#[tokio::test]
async fn u8_a_server_that_refuses_is_quoted() {
    let trial = Trial::new(Kind::Presigned).await;
    trial.write("a", b"a");
    let (_stopper, stop) = Stop::new();
    let target = Target {
        directory: trial.folder.path().to_owned(),
        project_id: uuid::Uuid::from_u128(1),
        cycle_id: None,
        prefix: None,
    };
    let error = trial.push_to(target, trial.options()).once(&stop).await.unwrap_err();
    assert_eq!(error.to_string(), "the server refuses: NOT_FOUND (NOT_FOUND)");
    assert_eq!(trial.fake.count("", ""), 1);
}

#[tokio::test]
async fn u8_a_file_that_is_not_taken_stops_no_other() {
    let trial = Trial::new(Kind::Presigned).await;
    for path in ["a", "unwelcome", "z"] {
        trial.write(path, path.as_bytes());
    }
    let passed = trial.run(trial.options()).await.unwrap();
    assert_eq!((passed.counts.files_uploaded, passed.counts.files_failed), (2, 1));
    let failed: Vec<_> = trial.told.of("file").into_iter().filter(|event| event["status"] == "failed").collect();
    assert_eq!(
        failed,
        [json!({"event": "file", "path": "unwelcome", "status": "failed", "size": 9, "error": "is unwelcome"})]
    );
}

#[tokio::test]
async fn u8_a_file_that_is_for_later_is_declared_again() {
    let trial = Trial::new(Kind::Presigned).await;
    for path in ["a", "later", "for ever later", "z"] {
        trial.write(path, path.as_bytes());
    }
    let passed = trial.run(trial.options()).await.unwrap();
    assert_eq!((passed.counts.files_uploaded, passed.counts.files_failed), (3, 1));
    let failed: Vec<_> = trial.told.of("file").into_iter().filter(|event| event["status"] == "failed").collect();
    assert_eq!(
        failed,
        [json!({"event": "file", "path": "for ever later", "status": "failed", "size": 14, "error": "is not known"})]
    );
}

#[tokio::test]
async fn u8_a_push_that_is_stopped_goes_on_when_it_is_run_again() {
    let trial = Trial::new(Kind::Presigned).await;
    for number in 0..300 {
        trial.write(number.to_string(), b"same size");
    }
    let (stopper, stop) = Stop::new();
    let stopper = std::sync::Arc::new(stopper);
    let act = move || stopper.stop();
    trial.fake.fail("PUT", "/store/", 1, Fault::Meanwhile(std::sync::Arc::new(act)));
    let options = Options { jobs: 2, ..trial.options() };
    let passed = trial.push(options).once(&stop).await.unwrap();
    assert!(passed.is_stopped && passed.counts.files_uploaded < 300, "{passed:?}");
    assert!(passed.counts.files_uploaded > 0, "what was sent is written down: {passed:?}");
    assert_eq!(trial.fake.state().ended, Some("cancelled"));
    let again = trial.run_well().await.counts;
    assert_eq!(again.files_skipped, passed.counts.files_uploaded);
    assert_eq!(again.files_uploaded + again.files_skipped, 300);
}

#[tokio::test]
async fn u12_what_changes_is_sent_while_it_watches() {
    let trial = Trial::new(Kind::Presigned).await;
    trial.write("a", b"a");
    let (stopper, stop) = Stop::new();
    let mut push = trial.push(trial.options());
    let watching = tokio::spawn(async move { push.watch(&stop).await });
    let wait_for = async |number| {
        for _ in 0..600 {
            if trial.told.of("done").len() >= number {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no pass");
    };
    wait_for(1).await;
    trial.write("new/b", b"b");
    wait_for(2).await;
    trial.compare();
    assert_eq!(trial.fake.count("POST", "/direct"), 2);
    stopper.stop();
    let passed = watching.await.unwrap().unwrap();
    assert!(!passed.is_stopped, "it waited");
    assert_eq!((passed.counts.files_uploaded, passed.counts.files_skipped), (1, 1));
}

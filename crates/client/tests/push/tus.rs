use std::fs;
use std::sync::Arc;
use std::time::Duration;

use tenantry_client::push::Options;
use tokio::time::sleep;

use crate::fake::{Fault, Kind};
use crate::fixture::Trial;

#[tokio::test]
async fn u8_files_go_to_servers_that_keep_them_in_a_folder() {
    let trial = Trial::new(Kind::Tus).await;
    for number in 0..100 {
        trial.write(number.to_string(), format!("file {number}").as_bytes());
    }
    trial.write("empty", b"");
    trial.write_random("large", (20 << 20) + 3);
    let passed = trial.run_well().await;
    assert_eq!((passed.counts.files_uploaded, passed.counts.bytes_uploaded), (102, passed.counts.total_bytes));
    // One for each small file, and three for the large one, which was asked for before.
    assert_eq!((trial.fake.count("PATCH", ""), trial.fake.count("HEAD", "")), (104, 1));
    assert_eq!(trial.run_well().await.counts.files_skipped, 102);
}

#[tokio::test]
async fn u8_what_breaks_off_goes_on_where_it_was() {
    for fault in [
        Fault::LostReply,
        Fault::Reset,
        Fault::BreakAfter(1 << 20),
        Fault::Answer(503, ""),
        Fault::Answer(429, ""),
        Fault::Answer(460, ""),
    ] {
        let trial = Trial::new(Kind::Tus).await;
        trial.write_random("large", (20 << 20) + 3);
        trial.write("small", b"small");
        trial.write("empty", b"");
        trial.fake.fail("PATCH", "/tus/", 3, fault);
        trial.fake.fail("HEAD", "/tus/", 1, Fault::Reset);
        let counts = trial.run_well().await.counts;
        // Where only the answer was lost, the file is there already at the next try.
        assert_eq!((trial.fake.faults_left(), counts.files_uploaded + counts.files_skipped), (0, 3));
        assert_eq!(counts.bytes_uploaded + counts.bytes_skipped, counts.total_bytes);
    }
}

#[tokio::test]
async fn u8_a_server_that_asks_to_wait_is_left_alone() {
    let trial = Trial::new(Kind::Tus).await;
    for number in 0..200 {
        trial.write(number.to_string(), b"x");
    }
    trial.fake.fail("PATCH", "/tus/", 1, Fault::Answer(429, ""));
    let options = Options { jobs: 1, ..trial.options() };
    let look = async {
        while trial.fake.count("PATCH", "") == 0 {
            sleep(Duration::from_millis(5)).await;
        }
        // It is to wait for a second.
        sleep(Duration::from_millis(500)).await;
        trial.fake.count("PATCH", "")
    };
    let (passed, sent_meanwhile) = tokio::join!(trial.run(options), look);
    assert_eq!((passed.unwrap().counts.files_uploaded, sent_meanwhile), (200, 1));
}

#[tokio::test]
async fn u8_a_file_that_changes_under_way_is_sent_anew() {
    let trial = Trial::new(Kind::Tus).await;
    trial.write_random("large", 20 << 20);
    let file = trial.at("large");
    let act = move || fs::write(&file, vec![3; 20 << 20]).unwrap();
    trial.fake.fail("PATCH", "/tus/", 1, Fault::Meanwhile(Arc::new(act)));
    trial.run_well().await;
}

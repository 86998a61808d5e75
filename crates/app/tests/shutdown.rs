//! Signals, sent by `kill` to a process that has no other use for them.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tenantry_app::shutdown::Shutdown;
use tokio::time::{sleep, timeout};

fn kill(signal: &str, process: u32) {
    let status = Command::new("kill").args([signal, &process.to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()), "kill {signal} {process}");
}

#[tokio::test]
async fn a_signal_is_told_to_all_who_wait_now_or_later() {
    let shutdown = Shutdown::on_signals().unwrap();
    let early = shutdown.clone();
    assert!(timeout(Duration::from_millis(50), early.requested()).await.is_err());
    kill("-TERM", std::process::id());
    timeout(Duration::from_secs(5), early.requested()).await.unwrap();
    timeout(Duration::from_secs(5), shutdown.requested()).await.unwrap();
}

#[test]
fn a_second_signal_ends_a_process_that_is_still_stopping() {
    let mut child: Child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "stops_slowly", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "ready"));
    kill("-INT", child.id());
    assert!(lines.any(|line| line == "stopping"));
    kill("-TERM", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[tokio::test]
#[ignore = "the process that the test above ends"]
async fn stops_slowly() {
    let shutdown = Shutdown::on_signals().unwrap();
    println!("\nready");
    shutdown.requested().await;
    println!("stopping");
    sleep(Duration::from_secs(30)).await;
}

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::site::{Site, Store, events, sign_up, stderr};

#[tokio::test(flavor = "multi_thread")]
async fn u8_a_folder_is_pushed_to_a_folder() {
    push_twice(&Site::start(Store::Folder).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_a_folder_is_pushed_to_s3() {
    push_twice(&Site::start(Store::s3().await).await).await;
}

async fn push_twice(site: &Site) {
    for number in 0..60 {
        site.write(&format!("folder {}/small {number}", number % 7), format!("file {number}").as_bytes());
    }
    site.write("empty", b"");
    site.write_random("large", (25 << 20) + 7);
    let told = site.run_well(&[]);
    let done = told.last().unwrap();
    assert_eq!(
        (&done["total_files"], &done["files_uploaded"], &done["files_failed"]),
        (&json!(62), &json!(62), &json!(0))
    );
    assert_eq!(done["bytes_uploaded"], done["total_bytes"]);
    assert_eq!(told.iter().filter(|event| event["status"] == "uploaded").count(), 62);
    site.compare();
    let (status, job) =
        site.ask(Method::GET, &format!("/uploads/status/{}", done["job_id"].as_str().unwrap()), None).await;
    assert_eq!((status, &job["status"], &job["files_uploaded"]), (200, &json!("finished"), &json!(62)), "{job}");

    let again = site.run_well(&[]);
    let done = again.last().unwrap();
    assert_eq!(
        (&done["files_uploaded"], &done["files_skipped"], &done["bytes_uploaded"]),
        (&json!(0), &json!(62), &json!(0))
    );
    site.write("folder 1/small 1", b"changed");
    assert_eq!(site.run_well(&[]).last().unwrap()["files_uploaded"], 1);
    site.compare();
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_exit_codes_tell_what_is_wrong() {
    let site = Site::start(Store::Folder).await;
    site.write("a", b"a");
    let code = |mut command: Command| {
        let output = command.output().unwrap();
        (output.status.code().unwrap(), stderr(&output))
    };
    let bob = sign_up(&site.address, "bob").await;
    // What belongs to another organisation does not exist.
    for project in [&site.person.project, "018f0000-0000-7000-8000-000000000000"] {
        let (code, told) = code(site.push_as(&bob.key, project, &[]));
        assert_eq!(code, 1, "{told}");
        assert!(told.contains("the server refuses") && !told.contains(&bob.key), "{told}");
    }
    let (failed, told) = code(site.push_as("tnt_none", &site.person.project, &[]));
    assert_eq!(failed, 1, "{told}");
    let mut without_key = site.push(&[]);
    without_key.env_remove("TENANTRY_API_KEY");
    assert_eq!(code(without_key).0, 78);
    assert_eq!(code(site.push(&["--server", "nowhere"])).0, 2, "--server is given twice");
    let mut elsewhere = Command::new(env!("CARGO_BIN_EXE_tenantry"));
    elsewhere.env_clear().envs([("TENANTRY_API_KEY", "x"), ("TENANTRY_SERVER", "nowhere")]);
    elsewhere.args(["push", ".", "--project", &site.person.project]);
    assert_eq!(code(elsewhere).0, 78);
    for wrong in [&["--jobs", "0"][..], &["--include", "a[b"], &["--api-key", "x"], &["--dry-run", "--watch"]] {
        assert_eq!(code(site.push(wrong)).0, 2, "{wrong:?}");
    }
    let counted = site.push(&["--dry-run", "--json"]).output().unwrap();
    assert_eq!((counted.status.code(), &events(&counted.stdout).last().unwrap()["total_files"]), (Some(0), &json!(1)));
    let (fine, told) = code(site.push(&[]));
    assert_eq!(fine, 0);
    assert!(told.contains("1 files, 1 B: 1 uploaded (1 B)"), "{told}");
    let (fine, told) = code(site.push(&["--quiet"]));
    assert_eq!((fine, told.as_str()), (0, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn u12_a_new_file_is_picked_up() {
    let site = Site::start(Store::s3().await).await;
    site.write("a", b"a");
    let mut child = site.push(&["--json", "--watch"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = |event: &str| -> Value {
        let mut lines = lines.by_ref().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
        lines.find(|told| told["event"] == event).unwrap()
    };
    assert_eq!(next("done")["files_uploaded"], 1);
    site.write("sub/b", b"b");
    assert_eq!(next("done")["files_uploaded"], 1);
    site.compare();
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
    let asked = Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(0), "it waited");
    assert!(asked.elapsed() < Duration::from_secs(20));
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert!(told.contains("stopping"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_sigint_stops_and_says_how_to_go_on() {
    let site = Site::start(Store::s3().await).await;
    site.write_random("large", 30 << 20);
    let child = site.push(&["--bandwidth", "4096"]).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1_500));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(stderr(&output).contains("run the same command again"), "{}", stderr(&output));
    site.run_well(&[]);
    site.compare();
}

//! Jobs that really upload.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tenantry_tenancy::Role;
use tokio::time::{sleep, timeout};

use super::{folder, object, run, session, with_worker};
use crate::on_both_databases;
use crate::person::Person;
use crate::site::Site;

on_both_databases!(
    u8_a_folder_is_uploaded_and_only_what_changed_the_next_time,
    u7_a_dry_run_counts_and_uploads_nothing,
    u8_extraneous_objects_are_removed_unless_that_looks_like_a_mistake,
    u8_a_bad_file_fails_alone_and_is_tried_again,
    u8_a_queued_job_of_a_member_who_left_fails,
    u8_a_queued_job_of_a_deactivated_account_fails,
    c5_whoever_is_removed_follows_no_more,
    u7_an_organization_has_a_limited_number_of_streams,
);

async fn u8_a_folder_is_uploaded_and_only_what_changed_the_next_time(site: &Site) {
    let ada = site.newcomer().await;
    let large = vec![7; 20 << 20];
    let folder =
        folder(site, "uploaded", &[("a.txt", b"a"), ("b/ü 100.txt", b"bb"), ("empty", b""), ("large", &large)]);
    let session = session(&ada, &folder, json!({"s3_prefix": "in"})).await;
    with_worker(site, async {
        let done = run(&ada, &session, json!({})).await;
        assert_eq!((&done["status"], &done["session_status"]), (&json!("finished"), &json!("completed")), "{done}");
        let counts =
            ["total_files", "files_uploaded", "files_skipped", "files_failed", "percent"].map(|name| &done[name]);
        assert_eq!(counts, [4, 4, 0, 0, 100].map(|count| json!(count)).each_ref(), "{done}");
        assert_eq!((&done["total_bytes"], &done["bytes_uploaded"]), (&json!(3 + (20 << 20)), &json!(3 + (20 << 20))));
        let prefix = format!("{}/{}/in", ada.own_organization, session["project_id"].as_str().unwrap());
        for (path, bytes) in [("a.txt", &b"a"[..]), ("b/ü 100.txt", b"bb"), ("empty", b""), ("large", &large)] {
            assert!(object(site, &format!("{prefix}/{path}")).as_deref() == Some(bytes), "{path}");
        }
        let again = run(&ada, &session, json!({})).await;
        assert_eq!((&again["files_skipped"], &again["total_bytes"]), (&json!(4), &json!(0)), "{again}");
        fs::write(folder.join("a.txt"), "changed").unwrap();
        let third = run(&ada, &session, json!({})).await;
        assert_eq!((&third["files_skipped"], &third["files_uploaded"]), (&json!(3), &json!(1)), "{third}");
        assert_eq!(object(site, &format!("{prefix}/a.txt")).as_deref(), Some(&b"changed"[..]));
        let path = format!("/sessions/{}", session["id"].as_str().unwrap());
        let files = ada.get(&format!("{path}/files")).await.expect(200);
        assert_eq!(files["total"], 4);
        let uploaded = ada.get(&format!("{path}/files?status=uploaded")).await.expect(200);
        let file = &uploaded["data"][0];
        assert_eq!((&uploaded["total"], &file["path"], &file["size"]), (&json!(1), &json!("a.txt"), &json!(7)));
        assert_eq!(file["key"], format!("{prefix}/a.txt"));
        let now = ada.get(&path).await.expect(200);
        assert_eq!((&now["status"], &now["job_id"]), (&json!("completed"), &third["job_id"]));
        let stats = ada.get("/sessions/stats").await.expect(200);
        assert_eq!((&stats["by_status"]["completed"], &stats["files_skipped"]), (&json!(1), &json!(3)));
    })
    .await;
}

async fn u7_a_dry_run_counts_and_uploads_nothing(site: &Site) {
    let ada = site.newcomer().await;
    let folder = folder(site, "dry", &[("a.txt", b"aaa"), ("skip.tmp", b"b")]);
    let session = session(&ada, &folder, json!({"exclude": ["*.tmp"]})).await;
    with_worker(site, async {
        let done = run(&ada, &session, json!({"dry_run": true})).await;
        let counts = ["total_files", "files_uploaded", "total_bytes", "bytes_uploaded"].map(|name| &done[name]);
        assert_eq!(counts, [1, 1, 3, 0].map(|count| json!(count)).each_ref(), "{done}");
        let path = format!("/sessions/{}", session["id"].as_str().unwrap());
        let now = ada.get(&path).await.expect(200);
        assert_eq!((&now["status"], &now["job_id"]), (&json!("pending"), &Value::Null), "a dry run leaves no trace");
        assert_eq!(ada.get(&format!("{path}/files")).await.expect(200)["total"], 0);
    })
    .await;
}

async fn u8_extraneous_objects_are_removed_unless_that_looks_like_a_mistake(site: &Site) {
    let ada = site.newcomer().await;
    let folder = folder(site, "extraneous", &[("a", b"a"), ("b", b"b"), ("c", b"c")]);
    let session = session(&ada, &folder, json!({"delete_extraneous": true})).await;
    with_worker(site, async {
        run(&ada, &session, json!({})).await;
        fs::remove_file(folder.join("a")).unwrap();
        let done = run(&ada, &session, json!({})).await;
        assert_eq!((&done["status"], &done["files_deleted"]), (&json!("finished"), &json!(1)), "{done}");
        for name in ["b", "c"] {
            fs::remove_file(folder.join(name)).unwrap();
        }
        let refused = run(&ada, &session, json!({})).await;
        assert_eq!((&refused["status"], &refused["files_deleted"]), (&json!("failed"), &json!(0)), "{refused}");
        assert!(refused["error"].as_str().unwrap().contains("confirmed_deletions 2"), "{refused}");
        let confirmed = run(&ada, &session, json!({"confirmed_deletions": 2})).await;
        assert_eq!((&confirmed["status"], &confirmed["files_deleted"]), (&json!("finished"), &json!(2)), "{confirmed}");
    })
    .await;
}

async fn u8_a_bad_file_fails_alone_and_is_tried_again(site: &Site) {
    let ada = site.newcomer().await;
    let long = ["d"; 120].join("/a-folder-that-makes-keys-long/");
    let folder = folder(site, "bad", &[("good", b"a")]);
    fs::create_dir_all(folder.join("x").join(&long[..900])).unwrap();
    fs::write(folder.join("x").join(&long[..900]).join("file"), "b").unwrap();
    let session = session(&ada, &folder, json!({"s3_prefix": "p".repeat(200)})).await;
    with_worker(site, async {
        let done = run(&ada, &session, json!({})).await;
        assert_eq!(
            (&done["status"], &done["session_status"]),
            (&json!("finished"), &json!("completed_with_errors")),
            "{done}"
        );
        assert_eq!((&done["files_uploaded"], &done["files_failed"]), (&json!(1), &json!(1)), "{done}");
        assert_eq!(done["warnings"][0]["kind"], "key_too_long");
    })
    .await;
}

async fn u8_a_queued_job_of_a_member_who_left_fails(site: &Site) {
    let ada = site.newcomer().await;
    let member = ada.hire(Role::Member).await;
    let session = session(&member, &folder(site, "left", &[("a", b"a")]), json!({})).await;
    let job = member.post("/uploads/start", json!({"session_id": session["id"]})).await.expect(202);
    ada.delete(&format!("/users/{}", member.id)).await.expect(204);
    assert_eq!(failure(site, &ada, &job).await, "whoever started it is no member any more");
}

async fn u8_a_queued_job_of_a_deactivated_account_fails(site: &Site) {
    let (ada, administrator) = (site.newcomer().await, site.administrator().await);
    let member = ada.hire(Role::Member).await;
    let session = session(&member, &folder(site, "deactivated", &[("a", b"a")]), json!({})).await;
    let job = member.post("/uploads/start", json!({"session_id": session["id"]})).await.expect(202);
    administrator.patch(&format!("/admin/users/{}", member.id), json!({"is_active": false})).await.expect(200);
    assert_eq!(failure(site, &ada, &job).await, "the account of whoever started it is deactivated");
}

/// Why a job fails once a worker takes it.
async fn failure(site: &Site, person: &Person<'_>, job: &Value) -> String {
    let path = format!("/uploads/status/{}", job["job_id"].as_str().unwrap());
    with_worker(site, async {
        let asked = Instant::now();
        while person.get(&path).await.expect(200)["finished_at"].is_null() {
            assert!(asked.elapsed() < Duration::from_secs(20), "the job does not end");
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let failed = person.get(&path).await.expect(200);
    assert_eq!((&failed["status"], &failed["total_files"]), (&json!("failed"), &json!(0)), "{failed}");
    failed["error"].as_str().unwrap().to_owned()
}

async fn c5_whoever_is_removed_follows_no_more(site: &Site) {
    let ada = site.newcomer().await;
    let (removed, deactivated) = (ada.hire(Role::Member).await, ada.hire(Role::Member).await);
    let stays = ada.hire(Role::Guest).await;
    let session = session(&ada, &folder(site, "followed", &[]), json!({})).await;
    let job = ada.post("/uploads/start", json!({"session_id": session["id"]})).await.expect(202);
    let path = format!("/uploads/{}", job["job_id"].as_str().unwrap());
    let events = format!("{path}/events");
    let follow = async |person: &Person<'_>| person.get(&events).await.text();
    let remove = async {
        sleep(Duration::from_millis(500)).await;
        ada.delete(&format!("/users/{}", removed.id)).await.expect(204);
        ada.patch(&format!("/users/{}", deactivated.id), json!({"is_active": false})).await.expect(200);
    };
    let outlast = async {
        let (of_removed, of_deactivated, ()) = tokio::join!(follow(&removed), follow(&deactivated), remove);
        ada.post(&format!("{path}/cancel"), json!({})).await.expect(202);
        [of_removed, of_deactivated]
    };
    let both = timeout(Duration::from_secs(30), async { tokio::join!(outlast, follow(&stays)) });
    let (ended, of_stays) = both.await.expect("the streams of those who may not any more end");
    for text in ended {
        assert!(text.starts_with("event: progress\n") && !text.contains("event: done"), "{text}");
    }
    assert!(of_stays.contains("event: done\n"), "{of_stays}");
}

async fn u7_an_organization_has_a_limited_number_of_streams(site: &Site) {
    let limit = [("TENANTRY__SERVER__EVENT_STREAMS_PER_ORGANIZATION", "1")];
    let other = site.another(&limit).await;
    let mut jobs = Vec::new();
    for name in ["one", "another"] {
        let person = other.newcomer().await;
        let session = session(&person, &folder(&other, name, &[]), json!({})).await;
        let job = person.post("/uploads/start", json!({"session_id": session["id"]})).await.expect(202);
        jobs.push((person, format!("/uploads/{}", job["job_id"].as_str().unwrap())));
    }
    let [(ada, job), (bob, elsewhere)] = &jobs[..] else { panic!("two jobs") };
    let end = async |person: &Person<'_>, job: &str| {
        sleep(Duration::from_millis(500)).await;
        let refused = person.get(&format!("{job}/events")).await;
        refused.refused(429, "RATE_LIMITED");
        assert_eq!(refused.header("retry-after"), "10");
        person.post(&format!("{job}/cancel"), json!({})).await.expect(202);
    };
    let follow = async |person: &Person<'_>, job: &str| person.get(&format!("{job}/events")).await.text();
    let (first, others, (), ()) =
        tokio::join!(follow(ada, job), follow(bob, elsewhere), end(ada, job), end(bob, elsewhere));
    assert!(first.contains("event: done") && others.contains("event: done"), "{first} {others}");
    assert!(follow(ada, job).await.contains("event: done"), "the place is free again");
    drop(jobs);
    other.stop().await;
}

//! Making, reading, changing and deleting sync sessions, and what they may name.

use serde_json::{Value, json};
use tenantry_tenancy::Role;

use super::{folder, session};
use crate::on_both_databases;
use crate::site::Site;

on_both_databases!(
    u6_a_session_is_made_read_changed_and_deleted,
    u6_what_is_wrong_with_a_session_is_named,
    u6_only_folders_that_the_operator_allows_are_read,
    u6_buckets_and_profiles_are_the_operators_to_allow,
    u6_an_active_session_is_left_alone,
    u6_a_job_is_not_retried_once_its_session_was_changed,
    c5_guests_read_sessions_and_members_write_them,
);

async fn u6_a_session_is_made_read_changed_and_deleted(site: &Site) {
    let ada = site.newcomer().await;
    let folder = folder(site, "made", &[]);
    let made = session(&ada, &folder, json!({})).await;
    for (member, value) in [
        ("max_workers", json!(16)),
        ("times_to_retry", json!(3)),
        ("use_find", json!(true)),
        ("status", json!("pending")),
        ("compare_by", json!("size_and_time")),
        ("delete_extraneous", json!(false)),
        ("job_id", Value::Null),
        ("total_files", json!(0)),
        ("user_id", json!(ada.id)),
    ] {
        assert_eq!(made[member], value, "{member}");
    }
    let path = format!("/sessions/{}", made["id"].as_str().unwrap());
    let change = json!({"max_workers": 64, "include": ["*.csv"], "exclude": ["tmp/"], "schedule": "0 3 * * *",
        "s3_prefix": "in", "delete_extraneous": true, "compare_by": "checksum", "use_find": false, "times_to_retry": 0});
    let changed = ada.ask("PUT", &path).json(&change).send().await.expect(200);
    for (member, value) in change.as_object().unwrap() {
        assert_eq!(changed[member], *value, "{changed}");
    }
    let cleared = ada.patch(&path, json!({"schedule": null, "include": null, "s3_prefix": null})).await.expect(200);
    assert_eq!((&cleared["schedule"], &cleared["include"]), (&Value::Null, &json!([])));
    assert_eq!(ada.get(&path).await.expect(200), cleared);
    let stale = ada.ask("DELETE", &path).header("if-match", "\"1\"").send().await;
    stale.refused(412, "PRECONDITION_FAILED");
    ada.delete(&path).await.expect(204);
    ada.get(&path).await.refused(404, "NOT_FOUND");
}

async fn u6_what_is_wrong_with_a_session_is_named(site: &Site) {
    let ada = site.newcomer().await;
    let project = ada.project("p").await;
    let bad = json!({"project_id": project, "local_directory": "here", "max_workers": 257, "times_to_retry": 21,
        "include": [""], "compare_by": "luck", "schedule": "sometimes"});
    let problem = ada.post("/sessions", bad).await.refused(422, "VALIDATION_ERROR");
    let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["local_directory", "max_workers", "times_to_retry", "include", "compare_by", "schedule"]);
    for (field, pattern) in [("include", "*.[ch"), ("exclude", "{a,b")] {
        let new = json!({"project_id": project, "local_directory": site.synced.path(), field: ["fine", pattern]});
        let problem = ada.post("/sessions", new).await.blames(422, "VALIDATION_ERROR", field);
        assert!(problem["errors"][0]["error"].as_str().unwrap().contains(pattern), "{problem}");
    }
    let stored = session(&ada, &folder(site, "wrong", &[]), json!({})).await;
    let path = format!("/sessions/{}", stored["id"].as_str().unwrap());
    ada.patch(&path, json!({"exclude": ["{a,b"]})).await.blames(422, "VALIDATION_ERROR", "exclude");
    assert_eq!(ada.get(&path).await.expect(200), stored);
    let other =
        ada.post("/cycles", json!({"project_id": ada.project("q").await, "cycle_name": "a", "cycle_number": 1}));
    let other = other.await.expect(201);
    let foreign = json!({"project_id": project, "cycle_id": other["id"], "local_directory": site.synced.path()});
    ada.post("/sessions", foreign).await.blames(422, "VALIDATION_ERROR", "cycle_id");
    ada.post("/uploads/start", json!({"session_id": ada.id})).await.blames(422, "VALIDATION_ERROR", "session_id");
}

async fn u6_only_folders_that_the_operator_allows_are_read(site: &Site) {
    let ada = site.newcomer().await;
    let project = ada.project("p").await;
    let data = site.running.node().settings.data.directory.clone();
    std::os::unix::fs::symlink("/etc", folder(site, "links", &[]).join("out")).unwrap();
    let link = site.synced.path().join("links/out");
    let absent = site.synced.path().join("absent");
    let up = site.synced.path().join("../");
    let mut answers = Vec::new();
    for directory in ["/etc", "/no/such", "/proc/self", "/"].map(Into::into).into_iter().chain([data, link, absent, up])
    {
        let new = json!({"project_id": project, "local_directory": directory});
        let problem = ada.post("/sessions", new).await.blames(422, "DIRECTORY_NOT_ALLOWED", "local_directory");
        answers.push((problem["detail"].clone(), problem["errors"].clone()));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "absent and forbidden look alike");
}

async fn u6_buckets_and_profiles_are_the_operators_to_allow(site: &Site) {
    let ada = site.newcomer().await;
    let folder = folder(site, "allowed", &[]);
    let new = json!({"project_id": ada.project("p").await, "local_directory": folder, "aws_profile": "theirs"});
    ada.post("/sessions", new).await.blames(422, "PROFILE_NOT_ALLOWED", "aws_profile");
    let session = session(&ada, &folder, json!({})).await;
    let project = format!("/projects/{}", session["project_id"].as_str().unwrap());
    ada.patch(&project, json!({"bucket_name": "not-theirs"})).await.expect(200);
    ada.post("/uploads/start", json!({"session_id": session["id"]})).await.refused(422, "BUCKET_NOT_ALLOWED");
    let only = format!("{}=theirs,{}=not-theirs", ada.own_organization, site.newcomer().await.own_organization);
    let root = site.synced.path().to_str().unwrap();
    let settings = [
        ("TENANTRY__SYNC__ALLOWED_BUCKETS", only.as_str()),
        ("TENANTRY__SYNC__ALLOWED_PROFILES", "shared"),
        ("TENANTRY__SYNC__ALLOWED_ROOTS", root),
    ];
    let other = site.another(&settings).await;
    let there = crate::person::Person { site: &other, ..ada.clone() };
    there.post("/uploads/start", json!({"session_id": session["id"]})).await.refused(422, "BUCKET_NOT_ALLOWED");
    there.patch(&project, json!({"bucket_name": "theirs"})).await.expect(200);
    let path = format!("/sessions/{}", session["id"].as_str().unwrap());
    there.patch(&path, json!({"aws_profile": "shared"})).await.expect(200);
    there.post("/uploads/start", json!({"session_id": session["id"]})).await.expect(202);
    drop(there);
    other.stop().await;
}

async fn u6_an_active_session_is_left_alone(site: &Site) {
    let ada = site.newcomer().await;
    let session = session(&ada, &folder(site, "active", &[]), json!({})).await;
    let start = json!({"session_id": session["id"]});
    let job = ada.post("/uploads/start", start.clone()).await.expect(202);
    let path = format!("/sessions/{}", session["id"].as_str().unwrap());
    let project = format!("/projects/{}", session["project_id"].as_str().unwrap());
    for answer in [
        ada.patch(&path, json!({"max_workers": 1})).await,
        ada.delete(&path).await,
        ada.delete(&project).await,
        ada.post("/uploads/start", start.clone()).await,
        ada.post("/uploads/start", json!({"session_id": session["id"], "dry_run": true})).await,
    ] {
        assert_eq!(answer.refused(409, "SESSION_ACTIVE")["job_id"], job["job_id"], "{answer}");
    }
    let job = job["job_id"].as_str().unwrap();
    let cancelled = ada.post(&format!("/uploads/{job}/cancel"), json!({})).await.expect(202);
    assert_eq!((&cancelled["status"], &cancelled["session_status"]), (&json!("cancelled"), &json!("cancelled")));
    ada.post(&format!("/uploads/{job}/cancel"), json!({})).await.refused(409, "CONFLICT");
    ada.post(&format!("/uploads/{job}/retry"), json!({})).await.refused(409, "CONFLICT");
    assert_eq!(ada.get(&path).await.expect(200)["status"], "cancelled");
    let stats = ada.get("/sessions/stats").await.expect(200);
    assert_eq!((&stats["total"], &stats["by_status"]["cancelled"]), (&json!(1), &json!(1)));
    ada.delete(&path).await.expect(204);
    ada.get(&format!("/uploads/status/{job}")).await.refused(404, "NOT_FOUND");
}

async fn u6_a_job_is_not_retried_once_its_session_was_changed(site: &Site) {
    let ada = site.newcomer().await;
    let session = session(&ada, &folder(site, "before", &[]), json!({})).await;
    let job = ada.post("/uploads/start", json!({"session_id": session["id"]})).await.expect(202);
    let job = format!("/uploads/{}", job["job_id"].as_str().unwrap());
    ada.post(&format!("{job}/cancel"), json!({})).await.expect(202);
    let retry = format!("{job}/retry");
    let nothing = ada.post(&retry, json!({})).await.refused(409, "CONFLICT");
    assert_eq!(nothing["detail"], "there is nothing to do");
    let path = format!("/sessions/{}", session["id"].as_str().unwrap());
    ada.patch(&path, json!({"local_directory": folder(site, "after", &[])})).await.expect(200);
    let changed = ada.post(&retry, json!({})).await.refused(409, "CONFLICT");
    assert_eq!(changed["detail"], "the session or its destination was changed after that job: start it anew");
}

async fn c5_guests_read_sessions_and_members_write_them(site: &Site) {
    let ada = site.newcomer().await;
    let session = session(&ada, &folder(site, "roles", &[]), json!({})).await;
    let (guest, member) = (ada.hire(Role::Guest).await, ada.hire(Role::Member).await);
    let path = format!("/sessions/{}", session["id"].as_str().unwrap());
    guest.get(&path).await.expect(200);
    guest.post("/uploads/start", json!({"session_id": session["id"]})).await.refused(403, "FORBIDDEN");
    guest.patch(&path, json!({"max_workers": 1})).await.refused(403, "FORBIDDEN");
    // Its scheduled jobs are from then on in the name of whoever changed it.
    let changed = member.patch(&path, json!({"max_workers": 1})).await.expect(200);
    assert_eq!(changed["user_id"], member.id);
}

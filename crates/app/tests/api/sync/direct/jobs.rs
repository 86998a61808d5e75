//! The jobs to which clients send files.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tenantry_tenancy::Role;
use tokio::time::sleep;

use super::{Bucket, Client, counts, file, send};
use crate::on_both_databases;
use crate::person::Person;
use crate::site::Site;
use crate::sync::{folder, session, with_worker};

on_both_databases!(
    u7_a_job_is_opened_once,
    c6_only_members_of_the_organization_send_files,
    u12_keys_need_the_scope,
    u7_a_job_that_has_ended_takes_nothing,
    u7_so_many_files_go_at_once,
    u7_what_is_being_sent_to_is_not_deleted,
    u8_a_job_that_is_left_alone_is_given_up,
    u7_a_folder_takes_no_direct_uploads,
    u7_what_old_jobs_left_is_removed,
);

async fn u7_a_job_is_opened_once(site: &Site) {
    let bucket = Bucket::beside(site).await;
    let ada = bucket.site.newcomer().await;
    let project = ada.project("direct").await;
    let cycle = json!({"project_id": project, "cycle_name": "c", "cycle_number": 1, "s3_prefix": "round"});
    let cycle = ada.post("/cycles", cycle).await.expect(201);
    let body = json!({"project_id": project, "cycle_id": cycle["id"]});
    let open = async |body: &Value| {
        ada.ask("POST", "/uploads/direct").header("idempotency-key", "key").json(body).send().await
    };
    let first = open(&body).await;
    let job = first.expect(201);
    assert_eq!(first.header("location"), format!("/api/v1/uploads/status/{}", job["job_id"].as_str().unwrap()));
    assert_eq!(open(&body).await.expect(201), job);
    open(&json!({"project_id": project})).await.refused(422, "IDEMPOTENCY_KEY_REUSED");
    let client = Client { person: &ada, job: job["job_id"].as_str().unwrap().to_owned(), prefix: String::new() };
    let told = client.declare(json!([file("a", b"one")])).await.remove(0);
    let key = format!("/{}/{project}/round/a?", ada.own_organization);
    assert!(told["request"]["url"].as_str().unwrap().contains(&key), "{told}");
    // The job's own prefix comes before its cycle's.
    let body = json!({"project_id": project, "cycle_id": cycle["id"], "s3_prefix": "own/way"});
    let job = ada.post("/uploads/direct", body).await.expect(201);
    let client = Client { job: job["job_id"].as_str().unwrap().to_owned(), ..client };
    let told = client.declare(json!([file("a", b"one")])).await.remove(0);
    assert!(told["request"]["url"].as_str().unwrap().contains(&format!("/{project}/own/way/a?")), "{told}");
    let elsewhere = json!({"project_id": ada.project("other").await, "cycle_id": cycle["id"]});
    ada.post("/uploads/direct", elsewhere).await.blames(422, "VALIDATION_ERROR", "cycle_id");
    let bob = bucket.site.newcomer().await;
    bob.post("/uploads/direct", json!({"project_id": project})).await.blames(422, "VALIDATION_ERROR", "project_id");
    let bucketed = json!({"name": "bucketed", "bucket_name": "some-bucket"});
    let bucketed = ada.post("/projects", bucketed).await.expect(201);
    ada.post("/uploads/direct", json!({"project_id": bucketed["id"]})).await.refused(422, "BUCKET_NOT_ALLOWED");
    bucket.stop().await;
}

/// Every request about a job and its file.
fn requests(client: &Client<'_>, file_id: &Value) -> [(String, Value); 4] {
    [
        (client.path("files"), json!({"files": [file("b", b"two")]})),
        (client.path("parts"), json!({"file_id": file_id, "parts": [{"number": 1, "crc64nvme": "AAAAAAAAAAA="}]})),
        (client.path("files/complete"), json!({"file_ids": [file_id]})),
        (client.path("finish"), json!({})),
    ]
}

async fn c6_only_members_of_the_organization_send_files(site: &Site) {
    let bucket = Bucket::beside(site).await;
    let ada = bucket.site.newcomer().await;
    let (guest, member) = (ada.hire(Role::Guest).await, ada.hire(Role::Member).await);
    let stranger = bucket.site.newcomer().await;
    let project = ada.project("direct").await;
    let client = Client::open(&ada, &project).await;
    let told = client.declare(json!([file("a", b"one")])).await.remove(0);
    assert_eq!(send(&told["request"], b"one").await, 200);
    for (path, body) in requests(&client, &told["file_id"]) {
        stranger.post(&path, body.clone()).await.refused(404, "NOT_FOUND");
        guest.post(&path, body).await.refused(403, "FORBIDDEN");
    }
    guest.post("/uploads/direct", json!({"project_id": project})).await.refused(403, "FORBIDDEN");
    assert_eq!(guest.get(&format!("/uploads/status/{}", client.job)).await.expect(200)["status"], "started");
    stranger.get(&format!("/uploads/status/{}", client.job)).await.refused(404, "NOT_FOUND");
    // Nor does a job of their own lead to another organisation's file.
    let theirs = Client::open(&stranger, Box::leak(stranger.project("theirs").await.into_boxed_str())).await;
    let completed = theirs.complete(&[&told["file_id"]]).await.remove(0);
    assert_eq!((&completed["error"], &completed["path"]), (&json!("unknown"), &Value::Null));
    assert_eq!(client.counts().await, [1, 0, 0, 0, 3, 0]);
    let client = Client { person: &member, ..client };
    assert_eq!(client.complete(&[&told["file_id"]]).await[0]["status"], "uploaded");
    bucket.stop().await;
}

async fn u12_keys_need_the_scope(site: &Site) {
    let bucket = Bucket::beside(site).await;
    let ada = bucket.site.newcomer().await;
    let project = ada.project("direct").await;
    let program = async |scopes: &[&str]| {
        let key = ada.post("/auth/api-keys", json!({"name": "push", "scopes": scopes})).await.expect(201);
        ada.with_token(key["key"].as_str().unwrap())
    };
    let (writer, reader) = (program(&["sync:write"]).await, program(&["sync:read", "tasks:write"]).await);
    let client = Client::open(&writer, &project).await;
    let told = client.declare(json!([file("a", b"one")])).await.remove(0);
    for (path, body) in requests(&client, &told["file_id"]) {
        reader.post(&path, body).await.refused(403, "FORBIDDEN");
    }
    reader.post("/uploads/direct", json!({"project_id": project})).await.refused(403, "FORBIDDEN");
    assert_eq!(send(&told["request"], b"one").await, 200);
    assert_eq!(client.complete(&[&told["file_id"]]).await[0]["status"], "uploaded");
    assert_eq!(client.finish().await["files_uploaded"], 1);
    bucket.stop().await;
}

async fn u7_a_job_that_has_ended_takes_nothing(site: &Site) {
    let bucket = Bucket::beside(site).await;
    let ada = bucket.site.newcomer().await;
    let project = ada.project("direct").await;
    let client = Client::open(&ada, &project).await;
    let told = client.declare(json!([file("a", b"one")])).await.remove(0);
    ada.post(&client.path("retry"), json!({})).await.refused(409, "CONFLICT");
    let cancelled = ada.post(&client.path("cancel"), json!({})).await.expect(202);
    assert_eq!((&cancelled["status"], cancelled["finished_at"].is_string()), (&json!("cancelled"), true));
    ada.post(&client.path("cancel"), json!({})).await.refused(409, "CONFLICT");
    for (path, body) in requests(&client, &told["file_id"]) {
        ada.post(&path, body).await.refused(409, "CONFLICT");
    }
    let events = ada.get(&client.path("events")).await.text();
    assert!(events.starts_with("event: done\ndata: ") && events.contains("\"cancelled\""), "{events}");
    // One that is finished can only be finished again.
    let client = Client::open(&ada, &project).await;
    client.declare(json!([file("a", b"one")])).await;
    let finished = client.finish().await;
    assert_eq!(counts(&finished), [1, 0, 0, 1, 3, 0]);
    for (path, body) in requests(&client, &told["file_id"]).into_iter().take(3) {
        ada.post(&path, body).await.refused(409, "CONFLICT");
    }
    // A job of a session is none of these.
    let beside = ada.on(site);
    let session = session(&beside, &folder(site, "not direct", &[]), json!({})).await;
    let job = beside.post("/uploads/start", json!({"session_id": session["id"]})).await.expect(202);
    let job = job["job_id"].as_str().unwrap().to_owned();
    let client = Client { job, ..client };
    for (path, body) in requests(&client, &told["file_id"]) {
        ada.post(&path, body).await.refused(409, "CONFLICT");
    }
    bucket.stop().await;
}

async fn u7_so_many_files_go_at_once(site: &Site) {
    let bucket = Bucket::beside(site).await;
    let ada = bucket.site.newcomer().await;
    let client = Client::open(&ada, &ada.project("direct").await).await;
    let files = |count: usize| (0..count).map(|number| file(&format!("f{number}"), b"x")).collect::<Vec<_>>();
    assert_eq!(client.declare(files(1_000).into()).await.len(), 1_000);
    let id = json!("01920000-0000-7000-8000-000000000001");
    let part = json!({"number": 1, "crc64nvme": "AAAAAAAAAAA="});
    for count in [0, 1_001] {
        ada.post(&client.path("files"), json!({"files": files(count)})).await.blames(422, "VALIDATION_ERROR", "files");
        let parts = json!({"file_id": id, "parts": vec![&part; count]});
        ada.post(&client.path("parts"), parts).await.blames(422, "VALIDATION_ERROR", "parts");
        let ids = json!({"file_ids": vec![&id; count]});
        ada.post(&client.path("files/complete"), ids).await.blames(422, "VALIDATION_ERROR", "file_ids");
    }
    assert_eq!(client.counts().await[0], 1_000);
    bucket.stop().await;
}

async fn u7_what_is_being_sent_to_is_not_deleted(site: &Site) {
    let bucket = Bucket::beside(site).await;
    let ada = bucket.site.newcomer().await;
    let project = ada.project("direct").await;
    let cycle = json!({"project_id": project, "cycle_name": "c", "cycle_number": 1});
    let cycle = format!("/cycles/{}", ada.post("/cycles", cycle).await.expect(201)["id"].as_str().unwrap());
    let body = json!({"project_id": project, "cycle_id": cycle.rsplit('/').next()});
    let job = ada.post("/uploads/direct", body).await.expect(201);
    for path in [cycle.clone(), format!("/projects/{project}")] {
        let problem = ada.delete(&path).await.refused(409, "SESSION_ACTIVE");
        assert_eq!(problem["job_id"], job["job_id"]);
    }
    ada.post(&format!("/uploads/{}/finish", job["job_id"].as_str().unwrap()), json!({})).await.expect(200);
    ada.delete(&cycle).await.expect(204);
    ada.delete(&format!("/projects/{project}")).await.expect(204);
    bucket.stop().await;
}

async fn u8_a_job_that_is_left_alone_is_given_up(site: &Site) {
    let bucket = Bucket::beside(site).await;
    let ada = bucket.site.newcomer().await;
    let project = ada.project("direct").await;
    let (idle, busy) = (Client::open(&ada, &project).await, Client::open(&ada, &project).await);
    let id = if site.is_sqlite() { format!("x'{}'", idle.job.replace('-', "")) } else { format!("'{}'", idle.job) };
    site.sql(&format!("UPDATE sync_runs SET updated_at = '2026-01-01T00:00:00+00:00' WHERE id = {id}")).await;
    with_worker(site, async {
        let asked = Instant::now();
        while idle.status().await["finished_at"].is_null() {
            assert!(asked.elapsed() < Duration::from_secs(20), "the job does not end");
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let failed = idle.status().await;
    assert_eq!(
        (&failed["status"], &failed["error"]),
        (&json!("failed"), &json!("given up after nothing was sent for too long"))
    );
    assert_eq!(busy.status().await["status"], "started");
    ada.post(&idle.path("finish"), json!({})).await.refused(409, "CONFLICT");
    bucket.stop().await;
}

async fn u7_a_folder_takes_no_direct_uploads(site: &Site) {
    let ada = site.newcomer().await;
    let client = Client::open(&ada, &ada.project("direct").await).await;
    let refused = ada.post(&client.path("files"), json!({"files": [file("a", b"one")]})).await;
    refused.refused(409, "CONFLICT");
    assert_eq!(client.counts().await, [0; 6]);
}

async fn u7_what_old_jobs_left_is_removed(site: &Site) {
    let bucket = Bucket::beside(site).await;
    let ada: Person<'_> = bucket.site.newcomer().await;
    let (project, bytes) = (ada.project("direct").await, vec![3; 9 << 20]);
    let prefix = format!("{}/{project}", ada.own_organization);
    // Begun two hours ago: one by a job that has ended, one by a job that goes on, and one that nobody knows of.
    bucket.turn_back(Duration::from_hours(2));
    let (ended, active) = (Client::open(&ada, &project).await, Client::open(&ada, &project).await);
    for (client, path) in [(&ended, "ended"), (&active, "active")] {
        let told = client.declare(json!([file(path, &bytes)])).await.remove(0);
        client.send_parts(&told, &bytes, &[1]).await;
    }
    bucket.begin(&format!("{prefix}/unknown")).await;
    bucket.begin(&format!("{prefix}-2/of-another-project")).await;
    bucket.turn_back(Duration::ZERO);
    bucket.begin(&format!("{prefix}/young")).await;
    assert_eq!(bucket.memory.open_uploads(), 5);
    ended.finish().await;
    let left = [format!("{prefix}-2/of-another-project"), format!("{prefix}/active"), format!("{prefix}/young")];
    assert_eq!(bucket.begun().await, left);
    bucket.stop().await;
}

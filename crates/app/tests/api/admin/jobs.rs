//! Looking after background jobs.

use serde_json::{Value, json};

use crate::on_both_databases;
use crate::person::Person;
use crate::site::Site;

on_both_databases!(
    jobs_are_listed_newest_first_and_filtered,
    mails_that_wait_are_among_them,
    what_failed_can_be_retried_and_what_waits_cancelled,
    unknown_jobs_are_not_found,
);

const OLD: &str = "0199a000-0000-7000-8000-0000000000a1";
const OTHER: &str = "0199a000-0000-7000-8000-0000000000a3";
const NEW: &str = "0199a000-0000-7000-8000-0000000000a2";

/// Puts a job into the queue past the application.
async fn job(site: &Site, id: &str, state: &str, attempts: u8) {
    let kind = if id == OTHER { "test.print" } else { "test.fold" };
    let hex = id.replace('-', "");
    let (id, nobody) = if site.is_sqlite() {
        (format!("x'{hex}'"), format!("x'{}'", "0".repeat(32)))
    } else {
        (format!("'{hex}'"), format!("'{}'", "0".repeat(32)))
    };
    let finished_at = if state == "failed" { "'2023-11-14T22:13:21+00:00'" } else { "NULL" };
    site.sql(&format!(
        "INSERT INTO jobs (id, organization_id, queue, kind, payload, priority, state, keeps_key, attempts, max_attempts,
            crashes, cancel_requested, run_after_ms, lease_epoch, last_error, created_at, finished_at)
         VALUES ({id}, {nobody}, 'tests', '{kind}', '{{}}', 0, '{state}', (1 = 0), {attempts}, 1, 0, (1 = 0), 1700000000000,
            0, 'out of paper', '2023-11-14T22:13:20+00:00', {finished_at})"
    ))
    .await;
}

async fn states(admin: &Person<'_>, query: &str) -> Vec<Value> {
    let list = admin.get(&format!("/admin/jobs{query}")).await.expect(200);
    list["data"].as_array().unwrap().iter().map(|job| json!([job["id"], job["state"]])).collect()
}

async fn jobs_are_listed_newest_first_and_filtered(site: &Site) {
    let admin = site.administrator().await;
    job(site, OLD, "failed", 1).await;
    job(site, NEW, "queued", 0).await;
    job(site, OTHER, "queued", 0).await;
    let fold = "?kind=test.fold";
    assert_eq!(states(&admin, fold).await, [json!([NEW, "pending"]), json!([OLD, "failed"])]);
    assert_eq!(states(&admin, &format!("{fold}&state=failed")).await, [json!([OLD, "failed"])]);
    assert_eq!(states(&admin, "?kind=test.print").await, [json!([OTHER, "pending"])]);
    assert!(states(&admin, "?kind=test.print&state=failed").await.is_empty());
    let first = admin.get(&format!("/admin/jobs{fold}&limit=1")).await.expect(200);
    assert_eq!((&first["total"], &first["data"][0]["last_error"]), (&json!(2), &json!("out of paper")));
    assert_eq!(first["data"][0]["run_at"], "2023-11-14T22:13:20Z");
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(states(&admin, &format!("{fold}&limit=1&cursor={cursor}")).await, [json!([OLD, "failed"])]);
    admin.get("/admin/jobs?state=lost").await.blames(422, "VALIDATION_ERROR", "state");
}

async fn mails_that_wait_are_among_them(site: &Site) {
    let admin = site.administrator().await;
    // The one that asks to confirm the administrator's address.
    let list = admin.get("/admin/jobs?kind=mail.send&state=pending").await.expect(200);
    let mail = &list["data"][0];
    assert_eq!((&mail["attempts"], &mail["max_attempts"]), (&json!(0), &json!(10)), "{list}");
    let path = format!("/admin/jobs/{}", mail["id"].as_str().unwrap());
    admin.post(&format!("{path}/retry"), Value::Null).await.refused(409, "CONFLICT");
    assert_eq!(admin.post(&format!("{path}/cancel"), Value::Null).await.expect(200)["state"], "cancelled");
    assert_eq!(admin.get("/admin/jobs?kind=mail.send&state=pending").await.expect(200)["count"], 0);
}

async fn what_failed_can_be_retried_and_what_waits_cancelled(site: &Site) {
    let admin = site.administrator().await;
    job(site, OLD, "failed", 1).await;
    let (retry, cancel) = (format!("/admin/jobs/{OLD}/retry"), format!("/admin/jobs/{OLD}/cancel"));
    admin.post(&cancel, Value::Null).await.refused(409, "CONFLICT");
    let waiting = admin.post(&retry, Value::Null).await.expect(200);
    assert_eq!((&waiting["state"], &waiting["attempts"]), (&json!("pending"), &json!(0)));
    assert_eq!((&waiting["finished_at"], &waiting["last_error"]), (&Value::Null, &Value::Null));
    admin.post(&retry, Value::Null).await.refused(409, "CONFLICT");
    assert_eq!(admin.post(&cancel, Value::Null).await.expect(200)["state"], "cancelled");
    assert_eq!(admin.post(&retry, Value::Null).await.expect(200)["state"], "pending");
    job(site, NEW, "started", 1).await;
    let asked = admin.post(&format!("/admin/jobs/{NEW}/cancel"), Value::Null).await.expect(200);
    assert_eq!(asked["state"], "running", "its worker has to hear of it");
    let log = admin.get("/admin/audit-log?action=job.retry").await.expect(200);
    assert_eq!((&log["count"], &log["data"][0]["data"]["job"]), (&json!(2), &json!(OLD)), "{log}");
}

async fn unknown_jobs_are_not_found(site: &Site) {
    let admin = site.administrator().await;
    for id in [OLD, "garbage", "01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
        for verb in ["retry", "cancel"] {
            admin.post(&format!("/admin/jobs/{id}/{verb}"), Value::Null).await.refused(404, "NOT_FOUND");
        }
    }
}

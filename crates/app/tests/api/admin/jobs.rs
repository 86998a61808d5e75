//! Looking after background jobs.

use serde_json::{Value, json};

use crate::on_both_databases;
use crate::person::Person;
use crate::site::Site;

on_both_databases!(
    jobs_are_listed_newest_first_and_filtered,
    what_failed_can_be_retried_and_what_waits_cancelled,
    unknown_jobs_are_not_found,
);

const OLD: &str = "01ARZ3NDEKTSV4RRFFQ69G5FA1";
const NEW: &str = "01ARZ3NDEKTSV4RRFFQ69G5FA2";

/// Puts a job into the queue past the application.
async fn job(site: &Site, id: &str, status: &str, attempts: u8) {
    let kind = if id == OLD { "test.print" } else { "test.fold" };
    let (table, job, run_at, result) = if site.is_sqlite() {
        ("Jobs", "x'7b7d'", "1700000000".to_owned(), r#"'{"Err":"out of paper"}'"#)
    } else {
        ("apalis.jobs", "'\\x7b7d'", "to_timestamp(1700000000)".to_owned(), r#"'{"Err":"out of paper"}'::jsonb"#)
    };
    site.sql(&format!(
        "INSERT INTO {table} (id, job, job_type, status, attempts, max_attempts, run_at, last_result)
         VALUES ('{id}', {job}, '{kind}', '{status}', {attempts}, 1, {run_at}, {result})"
    ))
    .await;
}

async fn states(admin: &Person<'_>, query: &str) -> Vec<Value> {
    let list = admin.get(&format!("/admin/jobs{query}")).await.expect(200);
    list["data"].as_array().unwrap().iter().map(|job| json!([job["id"], job["state"]])).collect()
}

async fn jobs_are_listed_newest_first_and_filtered(site: &Site) {
    let admin = site.administrator().await;
    job(site, OLD, "Failed", 1).await;
    job(site, NEW, "Pending", 0).await;
    assert_eq!(states(&admin, "").await, [json!([NEW, "pending"]), json!([OLD, "failed"])]);
    assert_eq!(states(&admin, "?state=failed").await, [json!([OLD, "failed"])]);
    assert_eq!(states(&admin, "?kind=test.fold").await, [json!([NEW, "pending"])]);
    assert!(states(&admin, "?kind=test.fold&state=failed").await.is_empty());
    let first = admin.get("/admin/jobs?limit=1").await.expect(200);
    assert_eq!((&first["total"], &first["data"][0]["last_error"]), (&json!(2), &json!("out of paper")));
    assert_eq!(first["data"][0]["run_at"], "2023-11-14T22:13:20Z");
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(states(&admin, &format!("?limit=1&cursor={cursor}")).await, [json!([OLD, "failed"])]);
    admin.get("/admin/jobs?state=lost").await.blames(422, "VALIDATION_ERROR", "state");
}

async fn what_failed_can_be_retried_and_what_waits_cancelled(site: &Site) {
    let admin = site.administrator().await;
    job(site, OLD, "Failed", 1).await;
    let (retry, cancel) = (format!("/admin/jobs/{OLD}/retry"), format!("/admin/jobs/{OLD}/cancel"));
    admin.post(&cancel, Value::Null).await.refused(409, "CONFLICT");
    let waiting = admin.post(&retry, Value::Null).await.expect(200);
    assert_eq!((&waiting["state"], &waiting["attempts"]), (&json!("pending"), &json!(0)));
    assert_eq!((&waiting["finished_at"], &waiting["last_error"]), (&Value::Null, &Value::Null));
    admin.post(&retry, Value::Null).await.refused(409, "CONFLICT");
    assert_eq!(admin.post(&cancel, Value::Null).await.expect(200)["state"], "cancelled");
    assert_eq!(admin.post(&retry, Value::Null).await.expect(200)["state"], "pending");
    job(site, NEW, "Running", 1).await;
    admin.post(&format!("/admin/jobs/{NEW}/cancel"), Value::Null).await.refused(409, "CONFLICT");
    let log = admin.get("/admin/audit-log?action=job.retry").await.expect(200);
    assert_eq!((&log["count"], &log["data"][0]["data"]["job"]), (&json!(2), &json!(OLD)), "{log}");
}

async fn unknown_jobs_are_not_found(site: &Site) {
    let admin = site.administrator().await;
    for id in [OLD, "garbage", "0199a000-0000-7000-8000-000000000000"] {
        for verb in ["retry", "cancel"] {
            admin.post(&format!("/admin/jobs/{id}/{verb}"), Value::Null).await.refused(404, "NOT_FOUND");
        }
    }
}

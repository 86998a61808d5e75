//! Files that are sent in one piece.

use serde_json::{Value, json};
use tenantry_sync::objects::Crc64;

use super::{Bucket, Client, file, pending, send, uploaded};
use crate::on_both_databases;
use crate::site::Site;

on_both_databases!(
    u7_files_go_straight_to_the_store_and_are_counted_once,
    u8_what_the_store_has_is_skipped,
    u8_other_bytes_than_were_declared_are_refused,
    u8_without_a_checksum_the_store_says_what_arrived,
    u7_a_file_that_cannot_be_taken_fails_alone,
    u8_completing_twice_at_once_counts_once,
    u8_the_last_declaration_counts,
);

async fn u7_files_go_straight_to_the_store_and_are_counted_once(site: &Site) {
    let bucket = Bucket::beside(site).await;
    let ada = bucket.site.newcomer().await;
    let client = Client::open(&ada, &ada.project("direct").await).await;
    let opened = client.status().await;
    let told = ["status", "session_id", "session_status", "percent", "finished_at"].map(|name| opened[name].clone());
    assert_eq!(told, [json!("started"), Value::Null, Value::Null, json!(0), Value::Null], "{opened}");
    let files: [(&str, &[u8]); 3] = [("a.txt", b"one"), ("b/\u{fc} 100%.txt", b"three"), ("empty", b"")];
    let declared = client.declare(files.map(|(path, bytes)| file(path, bytes)).to_vec().into()).await;
    assert_eq!(client.counts().await, [3, 0, 0, 0, 8, 0]);
    for ((path, bytes), told) in files.iter().zip(&declared) {
        assert_eq!((&told["action"], &told["path"], &told["error"]), (&json!("put"), &json!(path), &Value::Null));
        assert!(told["expires_at"].is_string() && told["part_size"].is_null() && told["upload_url"].is_null());
        assert_eq!(client.completed(told).await, pending("missing"), "{path}");
        assert_eq!(send(&told["request"], bytes).await, 200, "{path}");
    }
    let ids: Vec<_> = declared.iter().map(|told| &told["file_id"]).collect();
    let unknown = json!("01920000-0000-7000-8000-000000000001");
    let completed = client.complete(&[ids[1], ids[0], &unknown, ids[2], ids[1]]).await;
    let told: Vec<_> = completed.iter().map(|told| (&told["path"], &told["status"], &told["error"])).collect();
    let [a, b, empty] = files.map(|(path, _)| json!(path));
    let (done, null) = (json!("uploaded"), Value::Null);
    let none = (&null, &json!("pending"), &json!("unknown"));
    assert_eq!(told, [(&b, &done, &null), (&a, &done, &null), none, (&empty, &done, &null), (&b, &done, &null)]);
    assert_eq!((&completed[1]["size"], &completed[1]["checksum"]), (&json!(3), &json!(Crc64::of(b"one").to_string())));
    for (path, bytes) in files {
        assert_eq!(bucket.checksum(&format!("{}/{path}", client.prefix)).await, Some(Crc64::of(bytes)), "{path}");
    }
    // All of it again changes nothing.
    client.complete(&ids).await;
    let again = client.declare(files.map(|(path, bytes)| file(path, bytes)).to_vec().into()).await;
    assert!(again.iter().all(|told| told["action"] == "skip"), "{again:?}");
    assert_eq!(client.counts().await, [3, 3, 0, 0, 8, 8]);
    assert_eq!(client.status().await["percent"], 99);
    let finished = client.finish().await;
    assert_eq!(
        (&finished["status"], &finished["percent"], &finished["scanned"]),
        (&json!("finished"), &json!(100), &json!(true))
    );
    assert_eq!(client.finish().await, finished);
    bucket.stop().await;
}

async fn u8_what_the_store_has_is_skipped(site: &Site) {
    let bucket = Bucket::beside(site).await;
    let ada = bucket.site.newcomer().await;
    let project = ada.project("direct").await;
    let first = Client::open(&ada, &project).await;
    let told = first.declare(json!([file("a", b"one"), file("b", b"two")])).await;
    for (told, bytes) in told.iter().zip([b"one", b"two"]) {
        send(&told["request"], bytes).await;
    }
    first.complete(&[&told[0]["file_id"], &told[1]["file_id"]]).await;
    let second = Client::open(&ada, &project).await;
    let files = json!([file("a", b"one"), file("b", b"TWO"), {"path": "a2", "size": 3}]);
    for _ in 0..2 {
        let told = second.declare(files.clone()).await;
        let actions: Vec<_> = told.iter().map(|told| told["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["skip", "put", "put"]);
        assert!(told[0]["request"].is_null() && told[0]["file_id"].is_string());
        assert_eq!(second.counts().await, [3, 0, 1, 0, 6, 0]);
    }
    // Another job has the file now.
    assert_eq!(first.completed(&told[1]).await, pending("superseded"));
    let finished = second.finish().await;
    assert_eq!((&finished["files_skipped"], &finished["files_failed"]), (&json!(1), &json!(2)));
    bucket.stop().await;
}

async fn u8_other_bytes_than_were_declared_are_refused(site: &Site) {
    let bucket = Bucket::beside(site).await;
    let ada = bucket.site.newcomer().await;
    let client = Client::open(&ada, &ada.project("direct").await).await;
    let told = client.declare(json!([file("a", b"one")])).await.remove(0);
    for body in [&b"two"[..], b"more", b""] {
        assert_ne!(send(&told["request"], body).await, 200, "{body:?}");
    }
    assert_eq!(client.completed(&told).await, pending("missing"));
    // Another key is not what was signed, either.
    let mut elsewhere = told["request"].clone();
    elsewhere["url"] = json!(told["request"]["url"].as_str().unwrap().replace("/a?", "/b?"));
    assert_eq!(send(&elsewhere, b"one").await, 403);
    // What comes by another way is seen when it is looked at.
    let key = format!("{}/a", client.prefix);
    for (other, error) in [(&b"two"[..], "checksum_mismatch"), (b"more", "size_mismatch")] {
        bucket.write(&key, other).await;
        assert_eq!(client.completed(&told).await, pending(error));
    }
    assert_eq!(client.counts().await, [1, 0, 0, 0, 3, 0]);
    assert_eq!(send(&told["request"], b"one").await, 200);
    assert_eq!(client.completed(&told).await, uploaded());
    bucket.stop().await;
}

async fn u8_without_a_checksum_the_store_says_what_arrived(site: &Site) {
    let bucket = Bucket::beside(site).await;
    let ada = bucket.site.newcomer().await;
    let client = Client::open(&ada, &ada.project("direct").await).await;
    let told = client.declare(json!([{"path": "a", "size": 3}])).await.remove(0);
    assert_ne!(send(&told["request"], b"more").await, 200);
    assert_eq!(send(&told["request"], b"two").await, 200);
    let completed = client.complete(&[&told["file_id"]]).await.remove(0);
    assert_eq!(completed["checksum"], Crc64::of(b"two").to_string(), "{completed}");
    bucket.stop().await;
}

async fn u7_a_file_that_cannot_be_taken_fails_alone(site: &Site) {
    let bucket = Bucket::beside(site).await;
    let ada = bucket.site.newcomer().await;
    let client = Client::open(&ada, &ada.project("direct").await).await;
    let long = vec!["d"; 520].join("/");
    let files = json!([
        {"path": "/a", "size": 1},
        {"path": "a/../b", "size": 1},
        {"path": "a\nb", "size": 1},
        {"size": 1},
        {"path": "a", "path_base64": "YQ==", "size": 1},
        {"path_base64": "no base64", "size": 1},
        {"path": "b", "size": 1, "crc64nvme": "AAAA"},
        {"path": long, "size": 1},
        {"path": "large", "size": 20 << 20},
        {"path": "larger", "size": 1_u64 << 62, "crc64nvme": "AAAAAAAAAAA="},
        {"path_base64": "YS//", "size": 1},
        {"path": "good", "size": 1},
        {"path": "good", "size": 2},
    ]);
    let told = client.declare(files).await;
    let errors: Vec<_> = told.iter().map(|told| told["error"].as_str().unwrap_or_default()).collect();
    let path = "needs one path that leads nowhere but down";
    assert_eq!(errors[..6], [path; 6]);
    assert!(errors[6].contains("checksum") && errors[7].contains("1,024 bytes"), "{errors:?}");
    assert!(errors[8].contains("needs a checksum") && errors[9].contains("larger"), "{errors:?}");
    assert_eq!((&told[8]["action"], &told[8]["file_id"]), (&json!("error"), &Value::Null));
    assert_eq!((&told[10]["action"], &told[10]["path"]), (&json!("put"), &json!("a/\u{fffd}")));
    assert_eq!((&told[11]["action"], errors[12]), (&json!("put"), "is in the request twice"));
    assert_eq!(client.counts().await, [2, 0, 0, 0, 2, 0]);
    assert_eq!(send(&told[10]["request"], b"x").await, 200);
    assert_eq!(client.completed(&told[10]).await, uploaded());
    assert_eq!(bucket.checksum(&format!("{}/a/%FF", client.prefix)).await, Some(Crc64::of(b"x")));
    bucket.stop().await;
}

async fn u8_completing_twice_at_once_counts_once(site: &Site) {
    let bucket = Bucket::beside(site).await;
    let ada = bucket.site.newcomer().await;
    let client = Client::open(&ada, &ada.project("direct").await).await;
    let files: Vec<_> = (0..20_u8).map(|number| file(&number.to_string(), &[number])).collect();
    let told = client.declare(files.into()).await;
    for (number, told) in (0..20_u8).zip(&told) {
        assert_eq!(send(&told["request"], &[number]).await, 200);
    }
    let ids: Vec<_> = told.iter().map(|told| &told["file_id"]).collect();
    let backwards: Vec<_> = ids.iter().rev().copied().collect();
    let (one, other, third) =
        tokio::join!(client.complete(&ids), client.complete(&backwards), client.complete(&ids[5..15]));
    assert!(one.iter().chain(&other).chain(&third).all(|told| told["status"] == "uploaded"));
    assert_eq!(client.counts().await, [20, 20, 0, 0, 20, 20]);
    bucket.stop().await;
}

async fn u8_the_last_declaration_counts(site: &Site) {
    let bucket = Bucket::beside(site).await;
    let ada = bucket.site.newcomer().await;
    let client = Client::open(&ada, &ada.project("direct").await).await;
    let first = client.declare(json!([file("a", b"one")])).await.remove(0);
    let second = client.declare(json!([file("a", b"three")])).await.remove(0);
    assert_eq!(first["file_id"], second["file_id"]);
    assert_eq!(client.counts().await, [1, 0, 0, 0, 5, 0]);
    assert_eq!(send(&first["request"], b"one").await, 200);
    assert_eq!(client.completed(&first).await, pending("size_mismatch"));
    assert_eq!(send(&second["request"], b"three").await, 200);
    assert_eq!(client.completed(&second).await, uploaded());
    // What was uploaded and is to be another is waited for again.
    let third = client.declare(json!([file("a", b"four")])).await.remove(0);
    assert_eq!(client.counts().await, [1, 0, 0, 0, 4, 0]);
    assert_eq!(send(&third["request"], b"four").await, 200);
    assert_eq!(client.completed(&third).await, uploaded());
    assert_eq!(client.counts().await, [1, 1, 0, 0, 4, 4]);
    bucket.stop().await;
}

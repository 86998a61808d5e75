//! Files that are sent in parts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tenantry_sync::objects::{Crc64, ObjectKey, ObjectStore as _, PutCondition};
use tenantry_testkit::objects::{Call, Failure, Fault, Operation};

use super::{Bucket, Client, file, pending, send, uploaded};
use crate::on_both_databases;
use crate::site::Site;

on_both_databases!(
    u8_a_large_file_goes_on_in_another_job,
    u8_parts_are_compared_one_by_one_and_as_a_whole,
    u8_a_lost_answer_is_no_lost_file,
    u8_an_upload_that_is_gone_begins_anew,
    u8_a_store_that_fails_says_so_of_the_file,
    u8_a_file_whose_parts_are_not_known_stops_no_other,
);

/// Three parts.
fn large() -> Vec<u8> {
    let mut bytes = vec![1; 20 << 20];
    bytes[10 << 20] = 2;
    bytes
}

async fn u8_a_large_file_goes_on_in_another_job(site: &Site) {
    let bucket = Bucket::beside(site).await;
    let ada = bucket.site.newcomer().await;
    let (project, bytes) = (ada.project("direct").await, large());
    let first = Client::open(&ada, &project).await;
    let told = first.declare(json!([file("large", &bytes)])).await.remove(0);
    assert_eq!((&told["action"], &told["part_size"]), (&json!("multipart"), &json!(8 << 20)));
    assert_eq!((&told["parts_done"], &told["request"]), (&json!([]), &Value::Null));
    assert_eq!(bucket.memory.open_uploads(), 0, "nothing is begun before it is needed");
    assert_eq!(first.completed(&told).await, pending("parts_missing"));
    first.send_parts(&told, &bytes, &[1, 3]).await;
    assert_eq!(first.completed(&told).await, pending("parts_missing"));
    // A part that is sent again replaces itself.
    first.send_parts(&told, &bytes, &[3]).await;
    let second = Client::open(&ada, &project).await;
    let told = second.declare(json!([file("large", &bytes)])).await.remove(0);
    assert_eq!((&told["action"], &told["parts_done"]), (&json!("multipart"), &json!([1, 3])));
    assert_eq!(bucket.memory.open_uploads(), 1);
    let ask = json!({"file_id": told["file_id"], "parts": [{"number": 1, "crc64nvme": "AAAAAAAAAAA="}]});
    ada.post(&first.path("parts"), ask).await.blames(422, "VALIDATION_ERROR", "file_id");
    second.send_parts(&told, &bytes, &[2]).await;
    assert_eq!(first.completed(&told).await, pending("superseded"));
    assert_eq!(second.completed(&told).await, uploaded());
    assert_eq!(bucket.checksum(&format!("{}/large", second.prefix)).await, Some(Crc64::of(&bytes)));
    assert_eq!((bucket.memory.open_uploads(), second.counts().await), (0, [1, 1, 0, 0, 20 << 20, 20 << 20]));
    let third = Client::open(&ada, &project).await;
    assert_eq!(third.declare(json!([file("large", &bytes)])).await[0]["action"], "skip");
    bucket.stop().await;
}

async fn u8_parts_are_compared_one_by_one_and_as_a_whole(site: &Site) {
    let bucket = Bucket::beside(site).await;
    let ada = bucket.site.newcomer().await;
    let client = Client::open(&ada, &ada.project("direct").await).await;
    let bytes = large();
    let mut other = bytes.clone();
    other[19 << 20] = 7;
    let told = client.declare(json!([file("large", &bytes)])).await.remove(0);
    let path = client.path("parts");
    let ask = |number: u32, checksum: &str| json!({"file_id": told["file_id"], "parts": [{"number": number, "crc64nvme": checksum}]});
    for number in [0, 4] {
        ada.post(&path, ask(number, "AAAAAAAAAAA=")).await.blames(422, "VALIDATION_ERROR", "parts");
    }
    ada.post(&path, ask(1, "AAAA")).await.blames(422, "VALIDATION_ERROR", "parts[0]");
    let presigned = client.parts(&told, &bytes, &[1, 3]).await;
    for body in [&bytes[..8 << 20], &bytes[16 << 20..(20 << 20) - 1], &other[16 << 20..]] {
        assert_ne!(send(&presigned[1]["request"], body).await, 200);
    }
    client.send_parts(&told, &bytes, &[1, 2]).await;
    client.send_parts(&told, &other, &[3]).await;
    assert_eq!(client.completed(&told).await, pending("checksum_mismatch"));
    assert_eq!(bucket.memory.open_uploads(), 0, "nobody knows which part is wrong");
    let told = client.declare(json!([file("large", &bytes)])).await.remove(0);
    assert_eq!(told["parts_done"], json!([]));
    client.send_parts(&told, &bytes, &[3, 1, 2]).await;
    assert_eq!(client.completed(&told).await, uploaded());
    assert_eq!(client.counts().await, [1, 1, 0, 0, 20 << 20, 20 << 20]);
    bucket.stop().await;
}

async fn u8_a_lost_answer_is_no_lost_file(site: &Site) {
    for failure in [Failure::HangUp, Failure::Unavailable] {
        let is_first = AtomicBool::new(true);
        let plan = move |call: Call<'_>| match call.operation {
            Operation::CompleteUpload if is_first.swap(false, Ordering::Relaxed) => Fault::After(failure),
            _ => Fault::None,
        };
        let bucket = Bucket::failing(site, plan).await;
        let ada = bucket.site.newcomer().await;
        let client = Client::open(&ada, &ada.project("direct").await).await;
        let bytes = large();
        let told = client.declare(json!([file("large", &bytes)])).await.remove(0);
        client.send_parts(&told, &bytes, &[1, 2, 3]).await;
        for _ in 0..2 {
            assert_eq!(client.completed(&told).await, uploaded(), "{failure:?}");
            assert_eq!(client.counts().await, [1, 1, 0, 0, 20 << 20, 20 << 20]);
        }
        bucket.stop().await;
    }
}

async fn u8_an_upload_that_is_gone_begins_anew(site: &Site) {
    let bucket = Bucket::beside(site).await;
    let ada = bucket.site.newcomer().await;
    let client = Client::open(&ada, &ada.project("direct").await).await;
    let bytes = large();
    let told = client.declare(json!([file("large", &bytes)])).await.remove(0);
    for is_completed in [false, true] {
        client.send_parts(&told, &bytes, &[1]).await;
        bucket.abort_all().await;
        let told = if is_completed {
            assert_eq!(client.completed(&told).await, pending("parts_missing"));
            told.clone()
        } else {
            client.declare(json!([file("large", &bytes)])).await.remove(0)
        };
        assert_eq!(told["parts_done"], json!([]));
    }
    client.send_parts(&told, &bytes, &[1, 2, 3]).await;
    assert_eq!(client.completed(&told).await, uploaded());
    bucket.stop().await;
}

async fn u8_a_store_that_fails_says_so_of_the_file(site: &Site) {
    let plan = |call: Call<'_>| match call.operation {
        Operation::Head if call.key.ends_with("/a") => Fault::Before(Failure::Unavailable),
        Operation::CreateUpload => Fault::Before(Failure::Throttled(None)),
        _ => Fault::None,
    };
    let bucket = Bucket::failing(site, plan).await;
    let ada = bucket.site.newcomer().await;
    let client = Client::open(&ada, &ada.project("direct").await).await;
    let bytes = large();
    let told = client.declare(json!([file("a", b"one"), file("b", b"two"), file("large", &bytes)])).await;
    for (told, bytes) in told.iter().zip([b"one", b"two"]) {
        assert_eq!(send(&told["request"], bytes).await, 200);
    }
    let completed = client.complete(&[&told[0]["file_id"], &told[1]["file_id"]]).await;
    assert_eq!((&completed[0]["status"], &completed[0]["error"]), (&json!("pending"), &json!("store_failed")));
    assert_eq!(completed[1]["status"], "uploaded");
    let ask = json!({"file_id": told[2]["file_id"], "parts": [{"number": 1, "crc64nvme": "AAAAAAAAAAA="}]});
    let refused = ada.post(&client.path("parts"), ask).await;
    refused.refused(503, "UNAVAILABLE");
    assert_eq!(refused.header("retry-after"), "1");
    bucket.stop().await;
}

async fn u8_a_file_whose_parts_are_not_known_stops_no_other(site: &Site) {
    let fails = Arc::new(AtomicBool::new(true));
    let failing = fails.clone();
    let plan = move |call: Call<'_>| {
        let is_failing = call.operation == Operation::ListParts && failing.load(Ordering::SeqCst);
        if is_failing { Fault::Before(Failure::Refused("AccessDenied")) } else { Fault::None }
    };
    let bucket = Bucket::failing(site, plan).await;
    let ada = bucket.site.newcomer().await;
    let client = Client::open(&ada, &ada.project("direct").await).await;
    let bytes = large();
    let told = client.declare(json!([file("large", &bytes)])).await.remove(0);
    client.send_parts(&told, &bytes, &[1]).await;
    let told = client.declare(json!([file("a", b"one"), file("large", &bytes), file("b", b"two")])).await;
    let actions: Vec<_> = told.iter().map(|told| told["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["put", "later", "put"]);
    assert!(told[1]["error"].is_string() && told[1]["file_id"].is_string(), "{told:?}");
    fails.store(false, Ordering::SeqCst);
    let told = client.declare(json!([file("large", &bytes)])).await.remove(0);
    assert_eq!((&told["action"], &told["parts_done"]), (&json!("multipart"), &json!([1])));
    client.send_parts(&told, &bytes, &[2, 3]).await;
    assert_eq!(client.completed(&told).await, uploaded());
    bucket.stop().await;
}

impl Bucket {
    pub(super) async fn write(&self, key: &str, bytes: &[u8]) {
        let key = ObjectKey::parse(key).unwrap();
        let body = bytes.to_vec().into();
        self.memory.put(&key, body, Crc64::of(bytes), &PutCondition::None).await.unwrap();
    }

    async fn abort_all(&self) {
        let uploads = self.memory.list_uploads("").await.unwrap();
        assert!(!uploads.is_empty());
        for upload in uploads {
            self.memory.abort_upload(&upload.key, &upload.upload_id).await.unwrap();
        }
    }
}

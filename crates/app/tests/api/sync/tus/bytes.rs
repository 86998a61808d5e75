//! Bytes that come as they should.

use std::time::Instant;

use serde_json::json;
use tenantry_sync::objects::Crc64;

use super::{Client, counts, number, open_uploads, some, tus};
use crate::on_both_databases;
use crate::site::Site;

on_both_databases!(
    u8_the_server_says_what_it_speaks,
    u8_a_file_is_sent_in_as_many_requests_as_its_client_likes,
    u8_small_and_empty_files_come_in_one_request,
    u8_files_are_declared_as_for_other_stores,
    u8_what_the_store_has_is_complete_at_once,
    u8_a_post_stands_for_what_nothing_between_lets_pass,
    u8_pages_of_allowed_origins_may_speak_it,
    u8_many_small_files_are_sent,
);

async fn u8_the_server_says_what_it_speaks(site: &Site) {
    let answer = site.ask("OPTIONS", "/uploads/tus").send().await;
    answer.expect(204);
    let headers = ["tus-resumable", "tus-version", "tus-extension", "tus-checksum-algorithm", "tus-max-size"];
    let said = headers.map(|name| answer.header(name));
    let known = ["1.0.0", "1.0.0", "creation,termination,checksum", "sha1,sha256,crc64nvme", "1099511627776"];
    assert_eq!(said, known);
}

async fn u8_a_file_is_sent_in_as_many_requests_as_its_client_likes(site: &Site) {
    let ada = site.newcomer().await;
    let client = Client::open(&ada).await;
    let bytes = some((20 << 20) + 7, 1);
    for (path, checksum) in [("a/large", None), ("a/\u{fc} 100", Some(Crc64::of(&bytes)))] {
        let upload = client.create(path, bytes.len(), checksum).await;
        let mut sent = 0;
        for length in [1, 9 << 20, 0, 1_000, 10 << 20, (1 << 20) - 994] {
            assert_eq!(upload.offset().await, sent);
            assert_eq!(client.object(path), None);
            assert_eq!(upload.send(sent, &bytes[sent..sent + length]).await, sent + length);
            sent += length;
        }
        assert_eq!(sent, bytes.len());
        assert!(client.object(path).as_deref() == Some(&bytes[..]), "{path}");
        let head = upload.ask("HEAD").send().await;
        assert_eq!([number(&head, "upload-offset"), number(&head, "upload-length")], [sent, sent]);
        assert_eq!(head.header("upload-metadata"), super::metadata(&client.job, path.as_bytes(), checksum));
        // Nothing more is wanted, and saying so again is no mistake.
        assert_eq!(upload.send(sent, b"").await, sent);
    }
    let all = 2 * u64::try_from(bytes.len()).unwrap();
    assert_eq!(client.counts().await, [2, 2, 0, 0, all, all]);
    assert_eq!(open_uploads(site), 0);
    let done = client.finish().await;
    assert_eq!((&done["status"], counts(&done)), (&json!("finished"), [2, 2, 0, 0, all, all]));
}

async fn u8_small_and_empty_files_come_in_one_request(site: &Site) {
    let ada = site.newcomer().await;
    let client = Client::open(&ada).await;
    for (path, bytes) in [("small", &b"small"[..]), ("empty", b"")] {
        let upload = client.create(path, bytes.len(), Some(Crc64::of(bytes))).await;
        // Of an empty file nothing is left to be sent.
        assert_eq!((upload.offset().await, client.object(path).is_some()), (0, bytes.is_empty()));
        assert_eq!(upload.send(0, bytes).await, bytes.len());
        assert_eq!(client.object(path).as_deref(), Some(bytes));
        assert_eq!(upload.offset().await, bytes.len());
    }
    assert_eq!(client.counts().await, [2, 2, 0, 0, 5, 5]);
    // Bytes that are no text are a name too.
    let answer = client.creation(b"no \xff text", "1", None).send().await;
    answer.expect(201);
    assert_eq!(client.counts().await, [3, 2, 0, 0, 6, 5]);
}

async fn u8_files_are_declared_as_for_other_stores(site: &Site) {
    let ada = site.newcomer().await;
    let client = Client::open(&ada).await;
    let files = json!([{"path": "one", "size": 3}, {"path": "large", "size": 9 << 20}, {"path": "../x", "size": 1}]);
    let declared = ada.post(&format!("/uploads/{}/files", client.job), json!({"files": files})).await.expect(200);
    let actions: Vec<_> = declared["data"].as_array().unwrap().iter().map(|file| &file["action"]).collect();
    assert_eq!(actions, ["tus", "tus", "error"]);
    let file = &declared["data"][0];
    let url = file["upload_url"].as_str().unwrap();
    assert_eq!(url, format!("/api/v1/uploads/tus/{}", file["file_id"].as_str().unwrap()));
    let ask = ada.authorize(site.at("PATCH", url)).header("tus-resumable", "1.0.0").header("upload-offset", "0");
    ask.header("content-type", "application/offset+octet-stream").bytes("one").send().await.expect(204);
    let ids = [&file["file_id"], &declared["data"][1]["file_id"]];
    let path = format!("/uploads/{}/files/complete", client.job);
    let told = ada.post(&path, json!({"file_ids": ids})).await.expect(200);
    let statuses: Vec<_> = told["data"].as_array().unwrap().iter().map(|file| &file["status"]).collect();
    assert_eq!(statuses, ["uploaded", "pending"]);
    assert_eq!(told["data"][0]["checksum"], Crc64::of(b"one").to_string());
    assert_eq!(counts(&client.finish().await), [2, 1, 0, 1, 3 + (9 << 20), 3]);
}

async fn u8_what_the_store_has_is_complete_at_once(site: &Site) {
    let ada = site.newcomer().await;
    let client = Client::open(&ada).await;
    let checksum = Some(Crc64::of(b"same"));
    client.create("same", 4, checksum).await.send(0, b"same").await;
    let project = client.prefix.rsplit_once('/').unwrap().1;
    let job = ada.post("/uploads/direct", json!({"project_id": project})).await.expect(201);
    let again = Client { person: &ada, job: job["job_id"].as_str().unwrap().to_owned(), prefix: client.prefix.clone() };
    assert_eq!(again.create("same", 4, checksum).await.offset().await, 4);
    assert_eq!(again.counts().await, [1, 0, 1, 0, 0, 0]);
    // Without a checksum nobody knows.
    let unknown = again.create("same", 4, None).await;
    assert_eq!(unknown.offset().await, 0);
    unknown.send(0, b"else").await;
    assert_eq!((again.object("same").as_deref(), again.counts().await), (Some(&b"else"[..]), [1, 1, 0, 0, 4, 4]));
}

async fn u8_a_post_stands_for_what_nothing_between_lets_pass(site: &Site) {
    let ada = site.newcomer().await;
    let client = Client::open(&ada).await;
    let upload = client.create("a", 3, None).await;
    let ask = upload.ask("POST").header("x-http-method-override", "PATCH").header("upload-offset", "0");
    ask.header("content-type", "application/offset+octet-stream").bytes("one").send().await.expect(204);
    assert_eq!(client.object("a").as_deref(), Some(&b"one"[..]));
    let other = client.create("b", 3, None).await;
    other.ask("POST").header("x-http-method-override", "DELETE").send().await.expect(204);
    // Nowhere else.
    let path = format!("/projects/{}", client.prefix.rsplit_once('/').unwrap().1);
    ada.ask("POST", &path).header("x-http-method-override", "DELETE").send().await.refused(405, "METHOD_NOT_ALLOWED");
}

async fn u8_pages_of_allowed_origins_may_speak_it(site: &Site) {
    let ada = site.newcomer().await;
    let client = Client::open(&ada).await;
    let origin = "http://localhost:3000";
    let wanted = "authorization,content-type,tus-resumable,upload-checksum,upload-length,upload-metadata,upload-offset";
    let preflight = site.ask("OPTIONS", "/uploads/tus").header("origin", origin);
    let preflight = preflight.header("access-control-request-method", "PATCH");
    let answer = preflight.header("access-control-request-headers", wanted).send().await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, origin), "{answer}");
    let created = client.creation(b"a", "1", None).header("origin", origin).send().await;
    created.expect(201);
    let exposed = created.header("access-control-expose-headers").to_lowercase();
    for name in ["location", "upload-offset", "upload-length", "tus-resumable", "tus-max-size", "upload-metadata"] {
        assert!(exposed.split(", ").any(|exposed| exposed == name), "{name}: {exposed}");
    }
}

async fn u8_many_small_files_are_sent(site: &Site) {
    let ada = site.newcomer().await;
    let client = Client::open(&ada).await;
    let files: Vec<_> = (0..200).map(|number| json!({"path": format!("f/{number}"), "size": 100})).collect();
    let path = format!("/uploads/{}/files", client.job);
    let declared = ada.post(&path, json!({"files": files})).await.expect(200);
    let begun = Instant::now();
    for file in declared["data"].as_array().unwrap() {
        let path = format!("/uploads/tus/{}", file["file_id"].as_str().unwrap());
        let ask = tus(&ada, "PATCH", &path).header("upload-offset", "0");
        let ask = ask.header("content-type", "application/offset+octet-stream");
        ask.bytes([b'x'; 100]).send().await.expect(204);
    }
    eprintln!("200 small files one after the other: {:?}", begun.elapsed());
    assert_eq!(client.counts().await, [200, 200, 0, 0, 20_000, 20_000]);
    // None of them was worth an upload of its own.
    assert_eq!(open_uploads(site), 0);
}

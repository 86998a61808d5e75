//! What is not taken.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use tenantry_sync::objects::Crc64;
use tenantry_tenancy::Role;

use super::{Client, metadata, open_uploads, some, tus};
use crate::on_both_databases;
use crate::site::{Ask, Site};

on_both_databases!(
    u8_every_answer_names_the_version,
    u8_a_file_is_declared_as_it_should_be,
    u8_bytes_go_where_the_others_end,
    u8_bytes_with_a_wrong_checksum_are_not_kept,
    u8_a_file_that_is_not_what_was_declared_begins_anew,
    u8_a_file_that_is_given_up_is_gone,
    c6_only_members_of_the_organization_send_bytes,
    u8_a_job_that_has_ended_takes_no_bytes,
);

fn octets(ask: Ask) -> Ask {
    ask.header("content-type", "application/offset+octet-stream")
}

async fn u8_every_answer_names_the_version(site: &Site) {
    let ada = site.newcomer().await;
    let client = Client::open(&ada).await;
    let upload = client.create("a", 3, None).await;
    for (method, path) in
        [("POST", "/uploads/tus"), ("HEAD", &upload.path()), ("PATCH", &upload.path()), ("DELETE", &upload.path())]
    {
        for version in ["", "0.2.2", "1.0"] {
            let ask = ada.ask(method, path).header("upload-offset", "0").header("upload-length", "1");
            let ask = ask.header("upload-metadata", &metadata(&client.job, b"b", None));
            let answer =
                octets(if version.is_empty() { ask } else { ask.header("tus-resumable", version) }).send().await;
            answer.refused(412, "PRECONDITION_FAILED");
            assert_eq!([answer.header("tus-version"), answer.header("tus-resumable")], ["1.0.0"; 2], "{answer}");
        }
    }
    let gone = tus(&ada, "HEAD", "/uploads/tus/0199a000-0000-7000-8000-000000000000").send().await;
    let nobody = site.ask("PATCH", &upload.path()).send().await;
    let method = upload.ask("GET").send().await;
    for (answer, status) in [(&gone, 404), (&nobody, 401), (&method, 405)] {
        assert_eq!((answer.status, answer.header("tus-resumable")), (status, "1.0.0"), "{answer}");
    }
    assert_eq!(method.header("allow"), "DELETE, HEAD, PATCH");
    assert_eq!(ada.get("/users/me").await.header("tus-resumable"), "");
    assert_eq!(upload.offset().await, 0);
}

async fn u8_a_file_is_declared_as_it_should_be(site: &Site) {
    let ada = site.newcomer().await;
    let client = Client::open(&ada).await;
    for length in ["", "-1", "x", "1.5", "99999999999999999999"] {
        client.creation(b"a", length, None).send().await.refused(400, "MALFORMED_REQUEST");
    }
    tus(&ada, "POST", "/uploads/tus").send().await.refused(400, "MALFORMED_REQUEST");
    client.creation(b"a", "1099511627777", None).send().await.refused(413, "PAYLOAD_TOO_LARGE");
    client.creation(b"a", "3", None).bytes("one").send().await.refused(400, "MALFORMED_REQUEST");
    client.creation(b"../a", "1", None).send().await.blames(422, "VALIDATION_ERROR", "path");
    let long = "x".repeat(1_100);
    client.creation(long.as_bytes(), "1", None).send().await.blames(422, "VALIDATION_ERROR", "path");
    let new = |metadata: &str| {
        tus(&ada, "POST", "/uploads/tus").header("upload-length", "1").header("upload-metadata", metadata).send()
    };
    new(&format!("path {}", STANDARD.encode("a"))).await.blames(422, "VALIDATION_ERROR", "job_id");
    new("path *").await.refused(400, "MALFORMED_REQUEST");
    let nowhere = "0199a000-0000-7000-8000-000000000000";
    new(&metadata(nowhere, b"a", None)).await.refused(404, "NOT_FOUND");
    assert_eq!(client.counts().await, [0; 6]);
}

async fn u8_bytes_go_where_the_others_end(site: &Site) {
    let ada = site.newcomer().await;
    let client = Client::open(&ada).await;
    let upload = client.create("a", 6, None).await;
    upload.append(1, b"x").send().await.refused(409, "CONFLICT");
    upload.send(0, b"one").await;
    for offset in [0, 2, 4, 6] {
        upload.append(offset, b"x").send().await.refused(409, "CONFLICT");
    }
    upload.append(3, b"more").send().await.refused(413, "PAYLOAD_TOO_LARGE");
    upload.ask("PATCH").header("upload-offset", "3").bytes("two").send().await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    let json = upload.ask("PATCH").header("upload-offset", "3").json(&json!({})).send().await;
    json.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    let packed = upload.append(3, b"two").header("content-encoding", "gzip").send().await;
    packed.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    for offset in ["", "-3", "x"] {
        octets(upload.ask("PATCH")).header("upload-offset", offset).send().await.refused(400, "MALFORMED_REQUEST");
    }
    octets(upload.ask("PATCH")).bytes("two").send().await.refused(400, "MALFORMED_REQUEST");
    assert_eq!((upload.offset().await, client.object("a")), (3, None));
    upload.send(3, b"two").await;
    assert_eq!(client.object("a").as_deref(), Some(&b"onetwo"[..]));
    upload.append(0, b"onetwo").send().await.refused(409, "CONFLICT");
}

async fn u8_bytes_with_a_wrong_checksum_are_not_kept(site: &Site) {
    let ada = site.newcomer().await;
    let client = Client::open(&ada).await;
    let upload = client.create("a", 27, None).await;
    // Of "123456789".
    let right = [
        "sha1 98O8HYCOBHMq32eZZczDTKeuNEE=",
        "sha256 FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
        "crc64nvme rosUhgp5mIg=",
    ];
    for (number, checksum) in right.into_iter().enumerate() {
        let offset = number * 9;
        let wrong = upload.append(offset, b"12345678x").header("upload-checksum", checksum).send().await;
        wrong.refused(460, "CHECKSUM_MISMATCH");
        assert_eq!(upload.offset().await, offset);
        upload.append(offset, b"123456789").header("upload-checksum", checksum).send().await.expect(204);
    }
    assert_eq!(client.object("a").as_deref(), Some(&b"123456789".repeat(3)[..]));
    let other = client.create("b", 20 << 20, None).await;
    for checksum in ["md5 JfnnlDI7RTiF9RgfG2JNCw==", "sha1", "sha1 rosUhgp5mIg=", ""] {
        let refused = other.append(0, b"123456789").header("upload-checksum", checksum).send().await;
        refused.refused(400, "MALFORMED_REQUEST");
    }
    let large = other.append(0, &vec![0; (16 << 20) + 1]).header("upload-checksum", right[0]).send().await;
    large.refused(413, "PAYLOAD_TOO_LARGE");
    let most = some(16 << 20, 2);
    let checksum = format!("crc64nvme {}", Crc64::of(&most));
    other.append(0, &most).header("upload-checksum", &checksum).send().await.expect(204);
    assert_eq!(other.offset().await, most.len());
}

async fn u8_a_file_that_is_not_what_was_declared_begins_anew(site: &Site) {
    let ada = site.newcomer().await;
    let client = Client::open(&ada).await;
    let bytes = some(9 << 20, 3);
    let small = client.create("small", 5, Some(Crc64::of(b"right"))).await;
    small.append(0, b"wrong").send().await.refused(460, "CHECKSUM_MISMATCH");
    let large = client.create("large", bytes.len(), Some(Crc64::of(&bytes))).await;
    large.send(0, b"wrong").await;
    large.append(5, &bytes[5..]).send().await.refused(460, "CHECKSUM_MISMATCH");
    assert_eq!((small.offset().await, large.offset().await, open_uploads(site)), (0, 0, 0));
    assert_eq!((client.object("small"), client.object("large")), (None, None));
    small.send(0, b"right").await;
    large.send(0, &bytes[..5]).await;
    large.send(5, &bytes[5..]).await;
    assert!(client.object("large").as_deref() == Some(&bytes[..]));
    assert_eq!(client.object("small").as_deref(), Some(&b"right"[..]));
}

async fn u8_a_file_that_is_given_up_is_gone(site: &Site) {
    let ada = site.newcomer().await;
    let client = Client::open(&ada).await;
    for length in [0, 2] {
        let upload = client.create("a", 6, None).await;
        upload.send(0, &vec![b'x'; length]).await;
        upload.ask("DELETE").send().await.expect(204);
        assert_eq!(open_uploads(site), 0);
        upload.ask("HEAD").send().await.refused(404, "NOT_FOUND");
        upload.append(length, b"more").send().await.refused(404, "NOT_FOUND");
        upload.ask("DELETE").send().await.refused(404, "NOT_FOUND");
    }
    assert_eq!(client.counts().await, [1, 0, 0, 0, 6, 0]);
    // Whoever declares it again begins anew; what is in the store stays there.
    let upload = client.create("a", 6, None).await;
    assert_eq!(upload.send(0, b"onetwo").await, 6);
    upload.ask("DELETE").send().await.refused(409, "CONFLICT");
    assert_eq!(client.object("a").as_deref(), Some(&b"onetwo"[..]));
    client.create("b", 1, None).await.ask("DELETE").send().await.expect(204);
    let done = client.finish().await;
    assert_eq!(super::counts(&done), [2, 1, 0, 1, 7, 6]);
}

async fn c6_only_members_of_the_organization_send_bytes(site: &Site) {
    let (ada, eve) = (site.newcomer().await, site.newcomer().await);
    let (guest, member) = (ada.hire(Role::Guest).await, ada.hire(Role::Member).await);
    let new = json!({"name": "reads", "scopes": ["sync:read"]});
    let reader = ada.post("/auth/api-keys", new).await.expect(201);
    let reader = ada.with_token(reader["key"].as_str().unwrap());
    let new = json!({"name": "writes", "scopes": ["sync:write"]});
    let writer = ada.post("/auth/api-keys", new).await.expect(201);
    let writer = ada.with_token(writer["key"].as_str().unwrap());
    let client = Client::open(&ada).await;
    let upload = client.create("a", 8, None).await;
    upload.send(0, b"us").await;
    for (person, status, code) in [(&eve, 404, "NOT_FOUND"), (&guest, 403, "FORBIDDEN"), (&reader, 403, "FORBIDDEN")] {
        let theirs = super::Upload { person, id: upload.id.clone() };
        theirs.ask("HEAD").send().await.refused(status, code);
        theirs.append(2, b"them").send().await.refused(status, code);
        theirs.ask("DELETE").send().await.refused(status, code);
        let client = Client { person, job: client.job.clone(), prefix: String::new() };
        client.creation(b"b", "1", None).send().await.refused(status, code);
    }
    for (person, offset) in [(&member, 2), (&writer, 5)] {
        let theirs = super::Upload { person, id: upload.id.clone() };
        assert_eq!(theirs.send(offset, b"all").await, offset + 3);
    }
    assert_eq!(client.object("a").as_deref(), Some(&b"usallall"[..]));
    assert_eq!(client.counts().await, [1, 1, 0, 0, 8, 8]);
}

async fn u8_a_job_that_has_ended_takes_no_bytes(site: &Site) {
    let ada = site.newcomer().await;
    let client = Client::open(&ada).await;
    let upload = client.create("a", 6, None).await;
    upload.send(0, b"one").await;
    ada.post(&format!("/uploads/{}/cancel", client.job), json!({})).await.expect(202);
    upload.append(3, b"two").send().await.refused(409, "CONFLICT");
    upload.ask("HEAD").send().await.refused(409, "CONFLICT");
    upload.ask("DELETE").send().await.refused(409, "CONFLICT");
    client.creation(b"b", "1", None).send().await.refused(409, "CONFLICT");
    // The next job goes on with what has arrived.
    let project = client.prefix.rsplit_once('/').unwrap().1;
    let job = ada.post("/uploads/direct", json!({"project_id": project})).await.expect(201);
    let next = Client { person: &ada, job: job["job_id"].as_str().unwrap().to_owned(), prefix: client.prefix.clone() };
    let upload = next.create("a", 6, None).await;
    assert_eq!(upload.offset().await, 3);
    upload.send(3, b"two").await;
    assert_eq!(next.object("a").as_deref(), Some(&b"onetwo"[..]));
}

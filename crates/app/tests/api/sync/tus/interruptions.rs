//! Connections that break, and requests that meet.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::AsyncWriteExt as _;
use tokio::time::sleep;

use super::{Client, answered, some};
use crate::on_both_databases;
use crate::site::Site;

on_both_databases!(
    u8_what_arrived_before_a_connection_broke_stays,
    u8_what_comes_slowly_is_kept_meanwhile,
    u8_of_those_that_send_at_once_one_wins,
    u8_too_many_bytes_without_a_length_complete_nothing,
    u8_a_body_may_take_longer_than_an_answer,
    c4_whoever_signs_out_sends_no_more,
);

async fn u8_what_arrived_before_a_connection_broke_stays(site: &Site) {
    let ada = site.newcomer().await;
    let client = Client::open(&ada).await;
    let bytes = some(20 << 20, 4);
    let upload = client.create("a", bytes.len(), None).await;
    let mut sent = 0;
    for more in [5, 9 << 20, 100_000] {
        let stream = upload.begin(sent, bytes.len() - sent, &bytes[sent..sent + more]).await;
        drop(stream);
        sent += more;
        upload.reaches(sent).await;
    }
    // Nothing but the last byte is missing of this one.
    let stream = upload.begin(sent, bytes.len() - sent, &bytes[sent..bytes.len() - 1]).await;
    drop(stream);
    upload.reaches(bytes.len() - 1).await;
    assert_eq!(client.object("a"), None);
    upload.send(bytes.len() - 1, &bytes[bytes.len() - 1..]).await;
    assert!(client.object("a").as_deref() == Some(&bytes[..]));
    // A checksum is of all or nothing.
    let upload = client.create("b", 100, None).await;
    let head = upload.head(0, 100).replace("upload-offset", "upload-checksum: crc64nvme rosUhgp5mIg=\r\nupload-offset");
    let mut stream = tokio::net::TcpStream::connect(site.running.address()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&bytes[..99]).await.unwrap();
    drop(stream);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(upload.offset().await, 0);
}

async fn u8_what_comes_slowly_is_kept_meanwhile(site: &Site) {
    let ada = site.newcomer().await;
    let client = Client::open(&ada).await;
    let upload = client.create("a", 6, None).await;
    let mut stream = upload.begin(0, 6, b"one").await;
    upload.reaches(3).await;
    stream.write_all(b"two").await.unwrap();
    assert_eq!(answered(&mut stream).await, 204);
    assert_eq!(client.object("a").as_deref(), Some(&b"onetwo"[..]));
}

async fn u8_of_those_that_send_at_once_one_wins(site: &Site) {
    let ada = site.newcomer().await;
    let client = Client::open(&ada).await;
    let bodies: Vec<_> = (0..4).map(|seed| some(9 << 20, seed)).collect();
    let upload = client.create("a", bodies[0].len() + 1, None).await;
    let answers = join_all(bodies.iter().map(|body| upload.append(0, body).send())).await;
    let won: Vec<_> = (0..4).filter(|number| answers[*number].status == 204).collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    for answer in answers.iter().filter(|answer| answer.status != 204) {
        answer.refused(409, "CONFLICT");
    }
    let body = &bodies[won[0]];
    assert_eq!(upload.offset().await, body.len());
    upload.send(body.len(), b"!").await;
    assert!(client.object("a") == Some([&body[..], b"!"].concat()));
    // Small ones are written in one piece: whatever is said of the file in the end is so.
    for round in 0..5 {
        let path = format!("small {round}");
        let upload = client.create(&path, 3, None).await;
        let answers = join_all([b"one", b"two"].map(|body| upload.append(0, body).send())).await;
        assert!(answers.iter().all(|answer| matches!(answer.status, 204 | 409)), "{answers:?}");
        if upload.offset().await == 0 {
            upload.send(0, b"two").await;
        }
        let complete = format!("/uploads/{}/files/complete", client.job);
        let recorded = ada.post(&complete, serde_json::json!({"file_ids": [upload.id]})).await.expect(200);
        let recorded = recorded["data"][0]["checksum"].as_str().unwrap().to_owned();
        let object = client.object(&path).unwrap();
        assert_eq!(tenantry_sync::objects::Crc64::of(&object).to_string(), recorded, "{path}");
    }
}

async fn u8_too_many_bytes_without_a_length_complete_nothing(site: &Site) {
    let ada = site.newcomer().await;
    let client = Client::open(&ada).await;
    let upload = client.create("a", 3, None).await;
    let chunked = upload.head(0, 0).replace("content-length: 0", "transfer-encoding: chunked");
    let mut stream = tokio::net::TcpStream::connect(site.running.address()).await.unwrap();
    stream.write_all(format!("{chunked}3\r\none\r\n1\r\n!\r\n0\r\n\r\n").as_bytes()).await.unwrap();
    assert_eq!(answered(&mut stream).await, 413);
    assert_eq!((upload.offset().await, client.object("a")), (0, None));
    let mut stream = tokio::net::TcpStream::connect(site.running.address()).await.unwrap();
    stream.write_all(format!("{chunked}3\r\none\r\n0\r\n\r\n").as_bytes()).await.unwrap();
    assert_eq!(answered(&mut stream).await, 204);
    assert_eq!(client.object("a").as_deref(), Some(&b"one"[..]));
}

async fn u8_a_body_may_take_longer_than_an_answer(site: &Site) {
    let hasty = site.another(&[("TENANTRY__SERVER__REQUEST_TIMEOUT_SECONDS", "1")]).await;
    let ada = hasty.newcomer().await;
    let client = Client::open(&ada).await;
    let upload = client.create("a", 6, None).await;
    let mut stream = upload.begin(0, 6, b"one").await;
    sleep(Duration::from_millis(1_500)).await;
    stream.write_all(b"two").await.unwrap();
    assert_eq!(answered(&mut stream).await, 204);
    assert_eq!(client.object("a").as_deref(), Some(&b"onetwo"[..]));
    hasty.stop().await;
}

async fn c4_whoever_signs_out_sends_no_more(site: &Site) {
    let ada = site.newcomer().await;
    let client = Client::open(&ada).await;
    let upload = client.create("a", 9, None).await;
    let mut stream = upload.begin(0, 9, b"one").await;
    upload.reaches(3).await;
    ada.ask("POST", "/auth/logout").send().await.expect(200);
    sleep(Duration::from_secs(6)).await;
    stream.write_all(b"twoend").await.unwrap();
    assert_eq!(answered(&mut stream).await, 401);
    assert_eq!(client.object("a"), None);
}

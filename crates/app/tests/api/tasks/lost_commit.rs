//! The answer to a COMMIT is lost: nobody knows then whether it was done, and asking again must not do it twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use crate::database::Database;
use crate::site::Site;

/// Passes everything on, and hangs up on the client when it has passed on the COMMIT that brings `countdown` to zero.
async fn carry(client: TcpStream, server: String, countdown: Arc<AtomicI64>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = TcpStream::connect(server).await.unwrap().into_split();
    let (mut question, mut answer) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            Ok(length @ 1..) = from_client.read(&mut question) => {
                let message = &question[..length];
                if to_server.write_all(message).await.is_err() {
                    return;
                }
                let is_commit = message.windows(7).any(|part| part == b"COMMIT\0");
                if is_commit && countdown.fetch_sub(1, Ordering::SeqCst) == 1 {
                    // It is done before the client learns that nobody answers.
                    assert_ne!(from_server.read(&mut answer).await.unwrap(), 0);
                    return;
                }
            }
            Ok(length @ 1..) = from_server.read(&mut answer) => {
                if to_client.write_all(&answer[..length]).await.is_err() {
                    return;
                }
            }
            else => return,
        }
    }
}

#[tokio::test]
async fn a_lost_answer_to_a_commit_makes_nothing_twice() {
    let Some(database) = Database::postgres().await else { return };
    let mut url = Url::parse(&database.variables()[0].1).unwrap();
    let server = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
    let countdown = Arc::new(AtomicI64::new(0));
    let commits = countdown.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(carry(client, server.clone(), commits.clone()));
        }
    });
    let site = Site::start(Arc::new(database), &[("DATABASE_URL", url.as_str())]).await;
    let ada = site.newcomer().await;
    for (path, body, table) in [
        ("/tasks", json!({"title": "once"}), "tasks"),
        ("/organizations", json!({"name": "Once"}), "organizations"),
        ("/organizations", json!({"name": "Chosen", "slug": "chosen"}), "organizations"),
        ("/advisors", json!({"id": "once", "name": "A", "title": "A", "instructions": "A"}), "advisors"),
    ] {
        let key = body.to_string().replace(' ', "");
        let post = async || ada.ask("POST", path).header("idempotency-key", &key).json(&body).send().await;
        let before = site.rows(table).await;
        // The first COMMIT is that of the key, the second that of what it makes.
        countdown.store(2, Ordering::SeqCst);
        post().await.refused(503, "UNAVAILABLE");
        assert_eq!(site.rows(table).await, before + 1, "{path}");
        let made = post().await.expect(201);
        assert_eq!(site.rows(table).await, before + 1, "{path}");
        assert_eq!(post().await.expect(201), made);
    }
    site.stop().await;
}

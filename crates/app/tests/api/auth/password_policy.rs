//! C11: which passwords are refused, and by whose word.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::on_both_databases;
use crate::site::{PASSWORD, Site, unique};

on_both_databases!(c11_weak_passwords_are_refused_with_their_reason, c11_breached_passwords_are_refused);

fn account(password: &str) -> Value {
    let name = unique("augusta.ada");
    json!({"email": format!("{name}@example.com"), "username": name, "full_name": "Augusta Ada King", "password": password})
}

async fn c11_weak_passwords_are_refused_with_their_reason(site: &Site) {
    for (password, reason) in [
        ("Password1", "is a common password"),
        ("Augusta Ada King", "must not be the e-mail address, the username or the name"),
        ("augusta-ada-king", "must not be the e-mail address, the username or the name"),
        ("aaaaaaaaa", "is too easy to guess"),
    ] {
        for path in ["/auth/signup", "/auth/register"] {
            let problem = site.post(path, account(password)).await.blames(422, "WEAK_PASSWORD", "password");
            assert!(problem["detail"].as_str().unwrap().starts_with(&format!("password {reason}")), "{problem}");
        }
    }
    assert_eq!(site.rows("users").await, 0);

    let ada = site.newcomer().await;
    // The name that is given in the same breath counts.
    let change = json!({"full_name": "Lady Lovelace", "password": "ladylovelace", "current_password": PASSWORD});
    ada.patch("/users/me", change).await.blames(422, "WEAK_PASSWORD", "password");
    ada.patch("/users/me", json!({"full_name": "Lady Lovelace"})).await.expect(200);
    let change = json!({"password": "lady lovelace", "current_password": PASSWORD});
    ada.patch("/users/me", change).await.blames(422, "WEAK_PASSWORD", "password");
    site.login(&ada.email, PASSWORD).await.expect(200);
}

/// A list of breached passwords on which is the one whose SHA-1 digest this is, and its address.
async fn list(prefix: &'static str, suffix: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/range", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            let asked = String::from_utf8_lossy(&request[..length]).into_owned();
            let body =
                if asked.contains(&format!("/range/{prefix} ")) { format!("{suffix}:3\r\n") } else { String::new() };
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).await.ok();
        }
    });
    url
}

async fn c11_breached_passwords_are_refused(site: &Site) {
    // SHA-1 of "correct horse battery staple".
    let url = list("ABF7A", "AD6438836DBE526AA231ABDE2D0EEF74D42").await;
    let careful = site.another(&[("TENANTRY__AUTH__BREACHED_PASSWORDS_URL", &url)]).await;
    let breached = "correct horse battery staple";
    let problem = careful.post("/auth/signup", account(breached)).await.blames(422, "WEAK_PASSWORD", "password");
    assert!(problem["detail"].as_str().unwrap().contains("data breach"), "{problem}");
    let ada = careful.newcomer().await;
    let change = json!({"password": breached, "current_password": PASSWORD});
    ada.patch("/users/me", change).await.blames(422, "WEAK_PASSWORD", "password");
    let metrics = careful.at("GET", "/metrics").send().await.text();
    assert!(metrics.contains("breached_password_lookups{outcome=\"found\"} 2"), "{metrics}");
    careful.stop().await;

    // Nobody is kept from signing up because the list is away.
    let careless = site.another(&[("TENANTRY__AUTH__BREACHED_PASSWORDS_URL", "http://127.0.0.1:1/range")]).await;
    careless.post("/auth/signup", account(breached)).await.expect(201);
    let metrics = careless.at("GET", "/metrics").send().await.text();
    assert!(metrics.contains("breached_password_lookups{outcome=\"failed\"} 1"), "{metrics}");
    careless.stop().await;
}

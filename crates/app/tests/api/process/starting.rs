//! U1: the first start needs nothing but the binary.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::binary::{FAST, Server};

#[tokio::test]
async fn u1_the_first_start_makes_everything_it_needs() {
    let mut server = Server::start(tempfile::tempdir().unwrap(), &FAST);
    let password = server.one_time_password();
    assert!(password.len() >= 16, "{password}");
    let mode = |path: &str| fs::metadata(server.folder().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("data"), mode("data/secret.key"), mode("data/tenantry.db")), (0o700, 0o600, 0o600));
    assert!(server.folder().join("data/tenantry.db").is_file());

    let login = json!({"username": "admin", "password": password});
    let answer = server.send("POST", "/api/v1/auth/login", "", Some(&login)).await.expect(200);
    let token = answer["access_token"].as_str().unwrap().to_owned();
    server.send("GET", "/api/v1/users/me", &token, None).await.refused(403, "PASSWORD_CHANGE_REQUIRED");
    let change = json!({"password": "another staple battery", "current_password": password});
    server.send("PATCH", "/api/v1/users/me", &token, Some(&change)).await.expect(200);
    server.send("GET", "/api/v1/users/me", &token, None).await.expect(200);

    // The second start says nothing of a password, keeps the secret, and so the token.
    let secret = fs::read(server.folder().join("data/secret.key")).unwrap();
    server.signal("TERM");
    let (code, folder, rest) = server.end();
    assert_eq!((code, rest.as_str()), (Some(0), ""));
    let server = Server::start(folder, &FAST);
    assert_eq!(fs::read(server.folder().join("data/secret.key")).unwrap(), secret);
    server.send("GET", "/api/v1/users/me", &token, None).await.expect(200);
    assert!(!server.log().contains(&password));
    server.signal("TERM");
    let greeting = server.greeting.clone();
    let (code, _folder, rest) = server.end();
    assert_eq!(code, Some(0));
    assert!(!format!("{greeting}{rest}").contains("password"), "{greeting}{rest}");
}

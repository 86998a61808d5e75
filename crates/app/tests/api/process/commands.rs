//! T13, U1: commands that fill a database, which a server then serves.

use serde_json::json;

use super::binary::{FAST, Server, done, run};

#[tokio::test]
async fn t13_the_demonstration_can_be_signed_in_to() {
    let folder = tempfile::tempdir().unwrap();
    let said = done(folder.path(), &FAST, &["demo"], "");
    let password = said.lines().last().unwrap().split_whitespace().last().unwrap().to_owned();
    let again = run(folder.path(), &FAST, &["demo"], "");
    assert_eq!(again.status.code(), Some(1), "{}", String::from_utf8_lossy(&again.stderr));

    let server = Server::start(folder, &FAST);
    let mut totals = Vec::new();
    for name in ["marta", "idris", "sofia", "tom"] {
        assert!(said.contains(name), "{said}");
        let login = json!({"username": name, "password": password});
        let signed_in = server.send("POST", "/api/v1/auth/login", "", Some(&login)).await.expect(200);
        let token = signed_in["access_token"].as_str().unwrap();
        let tasks = server.send("GET", "/api/v1/tasks", token, None).await.expect(200);
        totals.push(tasks["total"].as_i64().unwrap());
        if name == "marta" {
            assert_eq!(signed_in["organization"]["name"], "Harbour Street Bakery");
            assert!(said.contains(&format!("{} tasks", tasks["total"])), "{said}");
            for (path, total) in
                [("cycles", 1), ("sessions", 2), ("sessions?status=pending", 2), ("readings?status=completed", 2)]
            {
                let list = server.send("GET", &format!("/api/v1/{path}"), token, None).await.expect(200);
                assert_eq!(list["total"], total, "{list}");
            }
        }
    }
    assert!(totals[0] > 0, "{totals:?}");
}

#[tokio::test]
async fn u1_an_administrator_is_made_at_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let create = |name: &str, more: &[&str], input: &str| {
        let email = format!("{name}@example.com");
        let arguments = [&["admin", "create", "--email", &email, "--username", name][..], more].concat();
        run(folder.path(), &FAST, &arguments, input)
    };
    let said = String::from_utf8(create("root", &[], "").stdout).unwrap();
    let one_time = said.lines().last().unwrap().strip_prefix("one-time password: ").unwrap().to_owned();
    let chosen = create("rita", &["--password-stdin"], "another staple battery\n");
    assert_eq!(String::from_utf8(chosen.stdout).unwrap(), "created rita (rita@example.com)\n");
    for (name, more, input) in [("root", &[][..], ""), ("weak", &["--password-stdin"], "password1\n")] {
        let refused = create(name, more, input);
        assert_eq!((refused.status.code(), refused.stdout.len()), (Some(1), 0));
    }

    let server = Server::start(folder, &FAST);
    for (name, password, status) in [("root", one_time.as_str(), 403), ("rita", "another staple battery", 200)] {
        let login = json!({"username": name, "password": password});
        let signed_in = server.send("POST", "/api/v1/auth/login", "", Some(&login)).await.expect(200);
        let token = signed_in["access_token"].as_str().unwrap();
        assert_eq!(server.send("GET", "/api/v1/users/me", token, None).await.status, status, "{name}");
    }
    // There is an administrator, so the start made none.
    server.signal("TERM");
    let (_, _folder, rest) = server.end();
    assert!(!rest.contains("password"), "{rest}");
}

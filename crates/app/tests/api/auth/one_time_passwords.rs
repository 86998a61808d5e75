//! U1: a password that somebody else made is good for one thing, choosing another.

use serde_json::json;
use tenantry_application::NewAdministrator;
use tenantry_identity::{Email, Username};

use crate::contract::operations;
use crate::on_both_databases;
use crate::person::Person;
use crate::site::Site;

const NEW: &str = "another staple battery";

on_both_databases!(u1_a_one_time_password_only_lets_choose_another, u1_signing_out_needs_no_new_password);

/// A platform administrator, signed in with the one-time password, which comes along.
async fn administrator(site: &Site) -> (Person<'_>, String) {
    let new = NewAdministrator {
        email: Email::parse("root@example.com").unwrap(),
        username: Some(Username::parse("root").unwrap()),
        password: None,
    };
    let (_, made) = site.running.node().administrators.create(new).await.unwrap();
    let password = made.unwrap().expose().to_owned();
    let signed_in = site.login("root", &password).await.expect(200);
    (Person::of(site, &signed_in), password)
}

async fn u1_a_one_time_password_only_lets_choose_another(site: &Site) {
    let (root, password) = administrator(site).await;
    let mut refused = 0;
    for operation in operations().iter().filter(|operation| !operation.public) {
        let allowed = ["POST /api/v1/auth/logout", "PATCH /api/v1/users/me", "PUT /api/v1/users/me"];
        if !allowed.contains(&operation.name().as_str()) {
            let path = operation.path_to("0199a000-0000-7000-8000-000000000000");
            let answer = root.authorize(site.at(&operation.method, &path)).send().await;
            // Without a body, that may be what is named first.
            assert!(matches!(answer.status, 403 | 415), "{answer}");
            if answer.status == 403 {
                answer.refused(403, "PASSWORD_CHANGE_REQUIRED");
                refused += 1;
            }
        }
    }
    assert!(refused >= 10, "{refused} were refused");
    root.post("/tasks", json!({"title": "x"})).await.refused(403, "PASSWORD_CHANGE_REQUIRED");
    let refreshed = site.post("/auth/refresh", json!({"refresh_token": root.refresh_token})).await.expect(200);
    let refreshed = root.with_token(refreshed["access_token"].as_str().unwrap());
    refreshed.get("/users/me").await.refused(403, "PASSWORD_CHANGE_REQUIRED");

    root.patch("/users/me", json!({"full_name": "Root"})).await.expect(200);
    root.get("/users/me").await.refused(403, "PASSWORD_CHANGE_REQUIRED");
    root.patch("/users/me", json!({"password": NEW, "current_password": password})).await.expect(200);
    for person in [&root, &refreshed] {
        person.get("/users/me").await.expect(200);
        person.post("/tasks", json!({"title": "x"})).await.expect(201);
    }
    site.login("root", &password).await.refused(401, "INVALID_CREDENTIALS");
    let again = site.login("root", NEW).await.expect(200);
    Person::of(site, &again).get("/users/me").await.expect(200);
}

async fn u1_signing_out_needs_no_new_password(site: &Site) {
    let (root, password) = administrator(site).await;
    root.ask("POST", "/auth/logout").send().await.expect(200);
    root.get("/users/me").await.refused(401, "SESSION_REVOKED");
    site.login("root", &password).await.expect(200);
}

//! Accounts that administrators make.

use serde_json::json;
use tenantry_tenancy::Role;

use crate::on_both_databases;
use crate::person::Person;
use crate::site::{API, PASSWORD, Site, unique};

on_both_databases!(
    u3_an_administrator_makes_a_user_who_signs_in,
    u3_without_a_password_a_mail_lets_the_user_choose_one,
    u3_taken_names_and_bad_fields_are_refused,
    c5_nobody_makes_a_user_above_their_own_role,
    a_user_is_made_once_under_its_key,
);

async fn u3_an_administrator_makes_a_user_who_signs_in(site: &Site) {
    let owner = site.newcomer().await;
    let admin = owner.hire(Role::Admin).await;
    let name = unique("hired");
    let email = format!("{name}@Example.com");
    let body =
        json!({"email": email, "username": name, "full_name": " Ada L. ", "password": PASSWORD, "role": "MEMBER"});
    let made = admin.post("/users", body).await;
    let user = made.expect(201);
    assert_eq!(made.header("location"), format!("{API}/users/{}", user["id"].as_str().unwrap()));
    for (member, value) in [
        ("email", json!(email)),
        ("username", json!(name)),
        ("full_name", json!("Ada L.")),
        ("role", json!("MEMBER")),
        ("is_active", json!(true)),
        ("email_verified", json!(false)),
        ("organization_id", json!(owner.own_organization)),
    ] {
        assert_eq!(user[member], value, "{user}");
    }
    let found = owner.get(&format!("/users/{}", user["id"].as_str().unwrap())).await;
    assert_eq!((found.expect(200), found.header("etag")), (user.clone(), made.header("etag")));

    let hired = Person::of(site, &site.login(&email, PASSWORD).await.expect(200));
    assert_eq!(hired.own_organization, owner.own_organization);
    hired.post("/tasks", json!({"title": "x"})).await.expect(201);
    assert_eq!(hired.get("/organizations").await.expect(200)["total"], 1);
    let log = owner.get("/audit-log?action=user.create").await.expect(200);
    assert_eq!((&log["data"][0]["actor_id"], &log["data"][0]["target_id"]), (&json!(admin.id), &user["id"]));
}

async fn u3_without_a_password_a_mail_lets_the_user_choose_one(site: &Site) {
    let owner = site.newcomer().await;
    let mails = site.rows("outbox WHERE kind = 'choose_password'").await;
    let email = format!("{}@example.com", unique("unready"));
    owner.post("/users", json!({"email": email, "role": "GUEST"})).await.expect(201);
    assert_eq!(site.rows("outbox WHERE kind = 'choose_password'").await, mails + 1);
    for password in [PASSWORD, ""] {
        let refused = site.login(&email, password).await;
        assert!([401, 422].contains(&refused.status), "{refused}");
    }
    owner.post("/users", json!({"email": email, "role": "GUEST"})).await.refused(409, "EMAIL_TAKEN");
    assert_eq!(site.rows("outbox WHERE kind = 'choose_password'").await, mails + 1);
}

async fn u3_taken_names_and_bad_fields_are_refused(site: &Site) {
    let (owner, other) = (site.newcomer().await, site.newcomer().await);
    let users = site.rows("users").await;
    let make = async |email: &str, username: &str, password: &str| {
        owner
            .post("/users", json!({"email": email, "username": username, "password": password, "role": "MEMBER"}))
            .await
    };
    let name = unique("fresh");
    let email = format!("{name}@example.com");
    make(&other.email.to_uppercase(), &name, PASSWORD).await.blames(409, "EMAIL_TAKEN", "email");
    make(&email, &other.username.to_uppercase(), PASSWORD).await.blames(409, "USERNAME_TAKEN", "username");
    make(&email, &name, "password").await.blames(422, "WEAK_PASSWORD", "password");
    let bad = json!({"email": "x", "username": "a b", "full_name": "", "password": "short", "role": "BOSS"});
    let problem = owner.post("/users", bad).await.refused(422, "VALIDATION_ERROR");
    let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["email", "username", "full_name", "password", "role"]);
    owner.post("/users", json!({"role": "GUEST"})).await.blames(422, "VALIDATION_ERROR", "email");
    owner.post("/users", json!({"email": email})).await.blames(422, "VALIDATION_ERROR", "role");
    let admin = json!({"email": email, "role": "GUEST", "is_platform_admin": true});
    owner.post("/users", admin).await.blames(422, "VALIDATION_ERROR", "is_platform_admin");
    assert_eq!(site.rows("users").await, users);
}

async fn c5_nobody_makes_a_user_above_their_own_role(site: &Site) {
    let owner = site.newcomer().await;
    for actor in Role::ALL {
        let acting = owner.hire(actor).await;
        for role in Role::ALL {
            let email = format!("{}@example.com", unique("raised"));
            let made =
                acting.post("/users", json!({"email": email, "password": PASSWORD, "role": role.as_str()})).await;
            let may = actor >= Role::Admin && actor >= role;
            assert_eq!(made.status, if may { 201 } else { 403 }, "{actor} makes {role}: {made}");
        }
    }
}

async fn a_user_is_made_once_under_its_key(site: &Site) {
    let owner = site.newcomer().await;
    let name = unique("keyed");
    let send = async |role: &str| {
        let body = json!({"email": format!("{name}@example.com"), "password": PASSWORD, "role": role});
        owner.ask("POST", "/users").header("idempotency-key", "u-1").json(&body).send().await
    };
    let (first, second) = (send("GUEST").await, send("GUEST").await);
    assert_eq!((first.expect(201), first.bytes), (second.expect(201), second.bytes.clone()));
    assert_eq!(second.header("idempotent-replayed"), "true");
    send("ADMIN").await.refused(422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(owner.get("/users").await.expect(200)["total"], 2);
}

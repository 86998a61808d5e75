//! M3, M4, L2, C2 to C4: signing in.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::on_both_databases;
use crate::person::Person;
use crate::site::{PASSWORD, Site};

on_both_databases!(
    c2_either_field_holds_either_name,
    m3_unknown_and_wrong_are_the_same_bytes,
    m4_an_inactive_account_is_told_only_to_its_owner,
    m4_without_an_open_organization_nobody_signs_in,
    c4_the_token_has_the_claims,
    c3_me_lists_the_organizations,
    m7_profile_is_an_alias,
);

async fn c2_either_field_holds_either_name(site: &Site) {
    let ada = Person::sign_up(site, "ada").await;
    for path in ["/auth/login", "/auth/signin"] {
        for (field, name) in [
            ("email", "ada@example.com"),
            ("email", "ada"),
            ("username", "ada"),
            ("username", "ada@example.com"),
            ("username", "ADA"),
            ("email", " Ada@EXAMPLE.com"),
        ] {
            let answer = site.post(path, json!({field: name, "password": PASSWORD})).await;
            let signed_in = answer.expect(200);
            assert_eq!((&signed_in["token_type"], &signed_in["expires_in"]), (&json!("bearer"), &json!(900)));
            assert_eq!((&signed_in["user"]["id"], answer.header("cache-control")), (&json!(ada.id), "no-store"));
            assert!(signed_in["user"]["last_login_at"].is_string(), "{answer}");
            Person::of(site, &signed_in).get("/users/me").await.expect(200);
        }
        site.post(path, json!({"password": PASSWORD})).await.blames(422, "VALIDATION_ERROR", "email");
    }
}

async fn m3_unknown_and_wrong_are_the_same_bytes(site: &Site) {
    Person::sign_up(site, "ada").await;
    let mut bodies = Vec::new();
    for (name, password) in [
        ("ada@example.com", "wrong horse battery"),
        ("ada", "wrong horse battery"),
        ("nobody@example.com", PASSWORD),
        ("nobody", PASSWORD),
        ("", ""),
        ("' OR 1=1 --", "' OR 1=1 --"),
        ("ada", "Correct horse battery"),
        ("ada", "correct horse battery "),
    ] {
        let answer = site.login(name, password).await;
        answer.refused(401, "INVALID_CREDENTIALS");
        bodies.push(without_occasion(&answer));
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:#?}");
}

/// The bytes of an answer but for the request's id and time, and its headers.
pub fn without_occasion(answer: &Answer) -> (String, Vec<String>) {
    let problem = answer.problem();
    let text = answer.text().replace(problem["request_id"].as_str().unwrap(), "");
    let headers = answer.headers.iter().map(|(name, value)| match name.as_str() {
        "x-request-id" | "date" | "content-length" => name.to_string(),
        _ => format!("{name}: {value:?}"),
    });
    (text.replace(problem["timestamp"].as_str().unwrap(), ""), headers.collect())
}

async fn m4_an_inactive_account_is_told_only_to_its_owner(site: &Site) {
    let ada = Person::sign_up(site, "ada").await;
    let unknown = without_occasion(&site.login("nobody", PASSWORD).await);
    site.sql("UPDATE users SET is_active = false WHERE username_key = 'ada'").await;
    site.login("ada", PASSWORD).await.refused(403, "ACCOUNT_INACTIVE");
    let wrong = site.login("ada", "wrong horse battery").await;
    wrong.refused(401, "INVALID_CREDENTIALS");
    assert_eq!(without_occasion(&wrong), unknown);
    let refresh = site.post("/auth/refresh", json!({"refresh_token": ada.refresh_token})).await;
    refresh.refused(403, "ACCOUNT_INACTIVE");
}

async fn m4_without_an_open_organization_nobody_signs_in(site: &Site) {
    let ada = Person::sign_up(site, "ada").await;
    site.sql("UPDATE organizations SET is_active = false").await;
    site.login("ada", PASSWORD).await.refused(403, "ACCOUNT_INACTIVE");
    let refresh = site.post("/auth/refresh", json!({"refresh_token": ada.refresh_token})).await;
    refresh.refused(403, "ACCOUNT_INACTIVE");
}

async fn c4_the_token_has_the_claims(site: &Site) {
    let ada = Person::sign_up(site, "ada").await;
    let mut parts = ada.access_token.split('.').map(|part| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap());
    let header: Value = serde_json::from_slice(&parts.next().unwrap()).unwrap();
    assert_eq!(header["alg"], "HS256");
    assert_eq!(header["kid"].as_str().unwrap().len(), 12);
    let claims: Value = serde_json::from_slice(&parts.next().unwrap()).unwrap();
    for (name, value) in [
        ("sub", ada.id.as_str()),
        ("user_id", &ada.id),
        ("organization_id", &ada.own_organization),
        ("email", "ada@example.com"),
        ("role", "OWNER"),
        ("iss", "tenantry"),
        ("aud", "tenantry"),
        ("type", "access"),
    ] {
        assert_eq!(claims[name], value, "{claims}");
    }
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 900);
    assert!(claims["jti"].is_string() && claims["sid"].is_string(), "{claims}");
}

async fn c3_me_lists_the_organizations(site: &Site) {
    let ada = Person::sign_up(site, "ada").await;
    let second = ada.found("Second").await;
    let me = ada.get("/auth/me").await.expect(200);
    assert_eq!((&me["id"], &me["email"]), (&json!(ada.id), &json!(ada.email)));
    assert_eq!((&me["organization"]["id"], &me["license_id"]), (&json!(ada.own_organization), &Value::Null));
    let all = me["organizations"].as_array().unwrap();
    let ids: Vec<_> = all.iter().map(|one| (one["id"].as_str().unwrap(), one["role"].as_str().unwrap())).collect();
    assert_eq!(ids, [(ada.own_organization.as_str(), "OWNER"), (&second, "OWNER")]);
    let elsewhere = ada.within(&second).get("/auth/me").await.expect(200);
    assert_eq!((&elsewhere["organization"]["id"], &elsewhere["organization_id"]), (&json!(second), &json!(second)));
}

async fn m7_profile_is_an_alias(site: &Site) {
    let ada = Person::sign_up(site, "ada").await;
    let (one, other) = (ada.get("/users/me").await, ada.get("/users/profile").await);
    assert_eq!((one.expect(200), one.header("etag")), (other.expect(200), other.header("etag")));
    ada.get(&format!("/users/{}", ada.id)).await.expect(200);
    ada.get("/users/0199a000-0000-7000-8000-000000000000").await.refused(404, "NOT_FOUND");
    ada.get("/users/nobody").await.refused(404, "NOT_FOUND");
}

//! What is kept about an account, for its owner.

use serde_json::json;
use tenantry_tenancy::Role;

use crate::on_both_databases;
use crate::person::Person;
use crate::site::Site;

on_both_databases!(an_export_has_what_is_kept_about_the_account_and_nothing_of_others);

async fn an_export_has_what_is_kept_about_the_account_and_nothing_of_others(site: &Site) {
    let owner = site.newcomer().await;
    let ada = owner.hire(Role::Member).await;
    owner.task(json!({"title": "of the owner"})).await;
    site.answer_readings();
    let ask = async |person: &Person<'_>, question: &str| {
        person.post("/readings", json!({"advisor": "legba", "question": question})).await.expect(201)
    };
    ask(&owner, "What of the owner?").await;
    let reading = ask(&ada, "What of Ada?").await;
    let new = json!({"name": "robot", "scopes": ["tasks:read"]});
    let key = ada.post("/auth/api-keys", new).await.expect(201);
    ada.delete(&format!("/organizations/{}", owner.own_organization)).await.refused(403, "FORBIDDEN");

    let answer = ada.get("/users/me/export").await;
    let export = answer.expect(200);
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"account.json\"");
    assert_eq!((&export["account"]["id"], &export["account"]["email"]), (&json!(ada.id), &json!(ada.email)));
    assert_eq!(export["sessions"].as_array().unwrap().len(), 1, "{answer}");
    let roles: Vec<_> = export["memberships"].as_array().unwrap().iter().map(|own| own["role"].clone()).collect();
    assert_eq!(roles, ["OWNER", "MEMBER"]);
    assert_eq!(export["api_keys"][0]["id"], key["id"], "{answer}");
    assert_eq!(export["api_keys"][0]["organization_id"], owner.own_organization.as_str(), "{answer}");
    let events = export["events"].as_array().unwrap();
    let actions: Vec<_> = events.iter().map(|event| event["action"].as_str().unwrap()).collect();
    for action in ["user.signup", "organization.access_denied", "api_key.create"] {
        assert!(actions.contains(&action), "{actions:?}");
    }
    assert!(events.iter().all(|event| event["actor_id"] == ada.id.as_str()), "{answer}");

    let readings = export["readings"].as_array().unwrap();
    assert_eq!((readings.len(), &readings[0]["id"]), (1, &reading["id"]), "{answer}");
    assert_eq!(readings[0]["organization_id"], owner.own_organization.as_str(), "{answer}");

    let text = answer.text();
    let secrets = [key["key"].as_str().unwrap(), &owner.id, &owner.email, "of the owner", "$2"];
    assert!(secrets.iter().all(|secret| !text.contains(secret)), "{text}");
    let log = ada.get("/users/me/export").await.expect(200)["events"].to_string();
    assert!(log.contains("user.export"), "{log}");
    let program = ada.with_token(key["key"].as_str().unwrap());
    program.get("/users/me/export").await.refused(403, "FORBIDDEN");
}

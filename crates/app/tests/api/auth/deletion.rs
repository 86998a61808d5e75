//! L3: deleting one's own account.

use serde_json::json;
use tenantry_tenancy::Role;

use crate::on_both_databases;
use crate::site::{PASSWORD, Site};

on_both_databases!(
    l3_deletion_asks_for_the_password,
    l3_a_deleted_account_is_gone_at_once,
    the_last_owner_of_others_stays,
);

async fn l3_deletion_asks_for_the_password(site: &Site) {
    let ada = site.newcomer().await;
    let delete = async |body| ada.ask("DELETE", "/users/me").json(&body).send().await;
    delete(json!({"password": "wrong horse battery"})).await.blames(422, "VALIDATION_ERROR", "password");
    delete(json!({"password": null})).await.blames(422, "VALIDATION_ERROR", "password");
    delete(json!({})).await.blames(422, "VALIDATION_ERROR", "password");
    ada.delete("/users/me").await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    ada.get("/users/me").await.expect(200);
}

async fn l3_a_deleted_account_is_gone_at_once(site: &Site) {
    let ada = site.newcomer().await;
    let elsewhere = ada.sign_in().await;
    let gone = ada.ask("DELETE", "/users/me").json(&json!({"password": PASSWORD})).send().await;
    assert_eq!((gone.status, gone.bytes.len()), (204, 0), "{gone}");
    for session in [&ada, &elsewhere] {
        session.get("/users/me").await.refused(401, "SESSION_REVOKED");
        let refresh = site.post("/auth/refresh", json!({"refresh_token": session.refresh_token})).await;
        refresh.refused(401, "REFRESH_TOKEN_INVALID");
    }
    site.login(&ada.email, PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
    site.login(&ada.username, PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
    // The address is free again only once the account is erased.
    let body = json!({"email": ada.email, "password": PASSWORD});
    site.post("/auth/signup", body).await.refused(409, "EMAIL_TAKEN");
}

async fn the_last_owner_of_others_stays(site: &Site) {
    let owner = site.newcomer().await;
    let member = owner.hire(Role::Member).await;
    let delete = json!({"password": PASSWORD});
    owner.ask("DELETE", "/users/me").json(&delete).send().await.refused(409, "LAST_OWNER");
    owner.get("/users/me").await.expect(200);
    member.ask("DELETE", "/users/me").json(&delete).send().await.expect(204);
    owner.get(&format!("/users/{}", member.id)).await.refused(404, "NOT_FOUND");

    let second = owner.hire(Role::Owner).await;
    owner.ask("DELETE", "/users/me").json(&delete).send().await.expect(204);
    second.get("/users/me").await.expect(200);
    second.ask("DELETE", "/users/me").json(&delete).send().await.expect(204);
}

//! L9, C4: access tokens signed with keys that others can verify.

use std::time::{Duration, Instant};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::{Value, json};
use tenantry_identity::{KeyId, SigningKeyState};
use tokio::time::sleep;

use crate::on_both_databases;
use crate::person::Person;
use crate::site::{PASSWORD, SECRET, Site};

const EDDSA: (&str, &str) = ("TENANTRY__AUTH__ALGORITHM", "EdDSA");
const NEXT: &str = "Xq7Lw2NvR9tYc4HmZ8sKb3JdF6gPa1Ue";

/// Twice the interval at which a node looks for what others changed.
const SOON: Duration = Duration::from_secs(1);

on_both_databases!(
    l9_c4_anybody_verifies_a_token_with_the_published_keys,
    l9_nodes_that_start_together_have_the_same_keys,
    l9_every_node_follows_a_rotation_and_a_revocation,
    l9_a_node_looks_a_key_up_that_it_does_not_know,
    l9_a_replaced_secret_signs_nobody_out,
    l9_a_change_of_algorithm_makes_clients_refresh,
);

fn part(token: &str, index: usize) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap()
}

fn header_of(token: &str) -> Value {
    serde_json::from_slice(&part(token, 0)).unwrap()
}

fn kid(token: &str) -> KeyId {
    KeyId::new(header_of(token)["kid"].as_str().unwrap())
}

async fn key_set(site: &Site) -> Vec<Value> {
    let answer = site.at("GET", "/.well-known/jwks.json").send().await;
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    answer.expect(200)["keys"].as_array().unwrap().clone()
}

/// As another service would, which has nothing but the published keys.
fn is_verified_by(key: &Value, token: &str) -> bool {
    let x: [u8; 32] = URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap().try_into().unwrap();
    let (message, _) = token.rsplit_once('.').unwrap();
    let signature = Signature::from_slice(&part(token, 2)).unwrap();
    VerifyingKey::from_bytes(&x).unwrap().verify_strict(message.as_bytes(), &signature).is_ok()
}

/// Makes all keys old enough to be rotated.
async fn grow_old(site: &Site) {
    site.sql("UPDATE signing_keys SET created_at = '2020-01-01T00:00:00+00:00', since = '2020-01-01T00:00:00+00:00'")
        .await;
}

async fn key_in(site: &Site, state: SigningKeyState) -> KeyId {
    let keys = site.running.node().signing.keys.list().await.unwrap();
    keys.into_iter().find(|key| key.state == state).unwrap().id
}

/// Waits until the token counts, or doesn't, and fails if that is not soon.
async fn becomes(person: &Person<'_>, status: u16) {
    let asked = Instant::now();
    while person.get("/users/me").await.status != status {
        assert!(asked.elapsed() < SOON, "not {status} within a second");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn l9_c4_anybody_verifies_a_token_with_the_published_keys(hs256: &Site) {
    assert_eq!(key_set(hs256).await, Vec::<Value>::new());
    let site = hs256.another(&[EDDSA]).await;
    let ada = site.newcomer().await;
    let set = key_set(&site).await;
    assert_eq!(set.len(), 2);
    for key in &set {
        assert_eq!(key["kty"], "OKP");
        assert_eq!((&key["crv"], &key["alg"], &key["use"]), (&json!("Ed25519"), &json!("EdDSA"), &json!("sig")));
        assert_eq!(key.as_object().unwrap().len(), 6, "{key}");
        let named = key["kid"] == header_of(&ada.access_token)["kid"];
        assert_eq!(is_verified_by(key, &ada.access_token), named);
    }
    assert_eq!(header_of(&ada.access_token)["alg"], "EdDSA");
    assert_eq!(kid(&ada.access_token), key_in(&site, SigningKeyState::Active).await);
    ada.get("/users/me").await.expect(200);
    site.stop().await;
}

async fn l9_nodes_that_start_together_have_the_same_keys(hs256: &Site) {
    let settings = [EDDSA];
    let (one, other) = tokio::join!(hs256.another(&settings), hs256.another(&settings));
    let (ada, bob) = (one.newcomer().await, other.newcomer().await);
    assert_eq!(kid(&ada.access_token), kid(&bob.access_token));
    ada.on(&other).get("/users/me").await.expect(200);
    bob.on(&one).get("/users/me").await.expect(200);
    assert_eq!(hs256.rows("signing_keys").await, 2);
    for site in [one, other] {
        site.stop().await;
    }
}

async fn l9_every_node_follows_a_rotation_and_a_revocation(hs256: &Site) {
    let (one, other) = (hs256.another(&[EDDSA]).await, hs256.another(&[EDDSA]).await);
    let before = one.newcomer().await;
    let early = one.running.node().signing.keys.rotate().await;
    assert!(early.is_err(), "the next key was just published");
    grow_old(&one).await;
    // What a worker does each minute.
    one.running.node().signing.keys.maintain().await.unwrap();
    assert_eq!(hs256.rows("signing_keys").await, 3);
    sleep(SOON).await;
    let after = before.on(&other).sign_in().await;
    assert_ne!(kid(&after.access_token), kid(&before.access_token));
    for site in [&one, &other] {
        before.on(site).get("/users/me").await.expect(200);
        after.on(site).get("/users/me").await.expect(200);
        assert_eq!(key_set(site).await.len(), 3);
    }

    let keys = &one.running.node().signing.keys;
    keys.revoke(&kid(&before.access_token)).await.unwrap();
    for site in [&other, &one] {
        becomes(&before.on(site), 401).await;
        before.on(site).get("/users/me").await.refused(401, "TOKEN_INVALID");
        after.on(site).get("/users/me").await.expect(200);
    }
    keys.revoke(&kid(&after.access_token)).await.unwrap();
    for site in [&other, &one] {
        becomes(&after.on(site), 401).await;
    }
    // The session lives on, and its next token is of the next key.
    let pair = other.post("/auth/refresh", json!({"refresh_token": after.refresh_token})).await.expect(200);
    let token = pair["access_token"].as_str().unwrap();
    assert_eq!(kid(token), key_in(&one, SigningKeyState::Active).await);
    after.on(&one).with_token(token).get("/users/me").await.expect(200);
    for site in [one, other] {
        site.stop().await;
    }
}

async fn l9_a_node_looks_a_key_up_that_it_does_not_know(hs256: &Site) {
    let (one, other) = (hs256.another(&[EDDSA]).await, hs256.another(&[EDDSA]).await);
    let ada = one.newcomer().await;
    let signing = &one.running.node().signing;
    for state in [SigningKeyState::Next, SigningKeyState::Active] {
        signing.keys.revoke(&key_in(&one, state).await).await.unwrap();
    }
    signing.refresh().await.unwrap();
    let new = ada.sign_in().await;
    new.on(&other).get("/users/me").await.expect(200);
    for site in [one, other] {
        site.stop().await;
    }
}

async fn l9_a_replaced_secret_signs_nobody_out(hs256: &Site) {
    let before = hs256.another(&[EDDSA]).await;
    let ada = before.newcomer().await;
    let rotated = hs256.another(&[EDDSA, ("SECRET_KEY", NEXT), ("SECRET_KEY_PREVIOUS", SECRET)]).await;
    ada.on(&rotated).get("/users/me").await.expect(200);
    let new = ada.on(&rotated).sign_in().await;
    // Its keys are encrypted under the next secret by now, and a node of the one before goes on with those it knows.
    sleep(SOON).await;
    new.on(&before).get("/users/me").await.expect(200);
    let done = hs256.another(&[EDDSA, ("SECRET_KEY", NEXT)]).await;
    for person in [&ada, &new] {
        person.on(&done).get("/users/me").await.expect(200);
    }
    assert_eq!(kid(&ada.on(&done).sign_in().await.access_token), kid(&ada.access_token));
    for site in [before, rotated, done] {
        site.stop().await;
    }
}

async fn l9_a_change_of_algorithm_makes_clients_refresh(hs256: &Site) {
    let eddsa = hs256.another(&[EDDSA]).await;
    for (from, to) in [(hs256, &eddsa), (&eddsa, hs256)] {
        let ada = from.newcomer().await;
        ada.on(to).get("/users/me").await.refused(401, "TOKEN_INVALID");
        let pair = to.post("/auth/refresh", json!({"refresh_token": ada.refresh_token})).await.expect(200);
        ada.on(to).with_token(pair["access_token"].as_str().unwrap()).get("/users/me").await.expect(200);
        to.login(&ada.email, PASSWORD).await.expect(200);
    }
    eddsa.stop().await;
}

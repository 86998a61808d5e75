//! L8, C13: what people are told of their account, and sign-in for verified addresses alone.

use serde_json::{Value, json};
use tenantry_application::NewAdministrator;
use tenantry_identity::{Email, Mail, Password};

use super::totp::with_app;
use crate::mailbox::{letters_to, token};
use crate::on_both_databases;
use crate::person::Person;
use crate::site::{PASSWORD, Site, unique};

const NEW: &str = "another staple battery";

on_both_databases!(
    l8_a_new_password_is_told,
    l8_a_sign_in_from_an_unknown_device_is_told,
    l8_a_device_is_known_beyond_the_second_factor,
    c13_only_verified_addresses_sign_in_where_that_is_asked_for,
);

fn kinds(letters: &[Mail]) -> Vec<&'static str> {
    letters.iter().map(|mail| mail.kind().as_str()).collect()
}

async fn login(person: &Person<'_>, device_token: Option<&Value>) -> Value {
    let ask = person.site.ask("POST", "/auth/login").json(&json!({"email": person.email, "password": PASSWORD}));
    let ask = match device_token {
        Some(token) => ask.header("x-device-token", token.as_str().unwrap()),
        None => ask,
    };
    ask.send().await.expect(200)
}

async fn l8_a_new_password_is_told(site: &Site) {
    let (ada, bob) = (site.newcomer().await, site.newcomer().await);
    assert_eq!(kinds(&letters_to(site, &ada.email).await), ["verify_email"]);
    ada.patch("/users/me", json!({"full_name": "Ada"})).await.expect(200);
    let wrong = json!({"password": NEW, "current_password": "a wrong password"});
    ada.patch("/users/me", wrong).await.refused(422, "VALIDATION_ERROR");
    assert_eq!(letters_to(site, &ada.email).await, []);
    ada.patch("/users/me", json!({"password": NEW, "current_password": PASSWORD})).await.expect(200);
    let letters = letters_to(site, &ada.email).await;
    let [Mail::PasswordChanged { ip_address, .. }] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!(ip_address.as_deref(), Some("127.0.0.1"));
    assert_eq!(letters_to(site, &bob.email).await, []);
}

async fn l8_a_sign_in_from_an_unknown_device_is_told(site: &Site) {
    let ada = site.newcomer().await;
    letters_to(site, &ada.email).await;
    // The first sign-in after the sign-up is no news.
    let first = login(&ada, None).await;
    assert_eq!(letters_to(site, &ada.email).await, []);
    login(&ada, Some(&first["device_token"])).await;
    assert_eq!(letters_to(site, &ada.email).await, []);
    site.login(&ada.email, "a wrong password").await.refused(401, "INVALID_CREDENTIALS");
    assert_eq!(letters_to(site, &ada.email).await, []);

    let ask = site.ask("POST", "/auth/login").header("user-agent", "a strange browser");
    ask.json(&json!({"email": ada.email, "password": PASSWORD})).send().await.expect(200);
    let letters = letters_to(site, &ada.email).await;
    let [Mail::NewDevice { ip_address, user_agent, .. }] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!((ip_address.as_deref(), user_agent.as_deref()), (Some("127.0.0.1"), Some("a strange browser")));

    // Another's token makes no device known.
    let bob = site.newcomer().await;
    let bobs = login(&bob, None).await;
    login(&ada, Some(&bobs["device_token"])).await;
    assert_eq!(kinds(&letters_to(site, &ada.email).await), ["new_device"]);
}

async fn l8_a_device_is_known_beyond_the_second_factor(site: &Site) {
    let (ada, _, codes) = with_app(site).await;
    letters_to(site, &ada.email).await;
    let mut device_token: Option<String> = None;
    for (code, is_known, expected) in
        [(&codes[0], false, vec![]), (&codes[1], true, vec![]), (&codes[2], false, vec!["new_device"])]
    {
        let asked = login(&ada, None).await;
        let body = json!({"mfa_token": asked["mfa_token"], "recovery_code": code});
        let ask = site.ask("POST", "/auth/totp/challenge").json(&body);
        let ask = match &device_token {
            Some(token) if is_known => ask.header("x-device-token", token),
            _ => ask,
        };
        let signed_in = ask.send().await.expect(200);
        device_token = signed_in["device_token"].as_str().map(str::to_owned);
        assert_eq!(kinds(&letters_to(site, &ada.email).await), expected);
    }
}

async fn c13_only_verified_addresses_sign_in_where_that_is_asked_for(site: &Site) {
    let strict = site.another(&[("TENANTRY__AUTH__REQUIRE_VERIFIED_EMAIL", "true")]).await;
    let ada = strict.newcomer().await;
    let verification = token(&letters_to(&strict, &ada.email).await, "verify_email");
    ada.get("/users/me").await.expect(200);
    strict.login(&ada.email, PASSWORD).await.refused(403, "EMAIL_NOT_VERIFIED");
    strict.login(&ada.email, "a wrong password").await.refused(401, "INVALID_CREDENTIALS");
    let refresh = json!({"refresh_token": ada.refresh_token});
    strict.post("/auth/refresh", refresh.clone()).await.refused(403, "EMAIL_NOT_VERIFIED");
    site.login(&ada.email, PASSWORD).await.expect(200);
    assert_eq!(site.rows("audit_log WHERE CAST(data AS TEXT) LIKE '%email_not_verified%'").await, 1);

    strict.post("/auth/email/verify", json!({"token": verification})).await.expect(200);
    strict.login(&ada.email, PASSWORD).await.expect(200);
    strict.post("/auth/refresh", refresh).await.expect(200);

    let new = NewAdministrator {
        email: Email::parse(&format!("{}@example.com", unique("root"))).unwrap(),
        username: None,
        password: Some(Password::parse(NEW).unwrap()),
    };
    let (root, _) = strict.running.node().administrators.create(new).await.unwrap();
    strict.login(root.email.as_str(), NEW).await.expect(200);
    // Nobody asked for that account by HTTP, so nobody is asked to confirm its address.
    assert_eq!(letters_to(&strict, root.email.as_str()).await, []);
    strict.stop().await;
}

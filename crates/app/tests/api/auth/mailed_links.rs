//! L8, C13: links that prove an address and reset a forgotten password.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tenantry_identity::Delivery;

use crate::answer::Answer;
use crate::mailbox::{deliver, letters_to, token};
use crate::on_both_databases;
use crate::person::Person;
use crate::site::{PASSWORD, Site, unique};

const NEW: &str = "another staple battery";

on_both_databases!(
    l8_a_forgotten_password_is_replaced_by_a_mailed_link,
    l8_who_has_an_account_stays_untold,
    l8_a_weak_password_leaves_the_link_good,
    l8_a_link_is_used_once_however_many_try_at_once,
    l8_only_the_latest_link_is_good_and_only_in_its_time,
    l8_links_of_different_kinds_are_not_exchanged,
    l8_a_reset_opens_a_locked_account,
    l8_an_address_gets_a_few_mails_an_hour,
    l8_a_new_password_and_a_deletion_end_links,
    l8_a_second_factor_survives_a_reset,
    c13_an_address_is_verified_by_a_mailed_link,
    c13_bad_requests_for_links_are_refused,
);

async fn forgot(site: &Site, email: &str) -> Answer {
    site.post("/auth/password/forgot", json!({"email": email})).await
}

async fn reset(site: &Site, token: &str, password: &str) -> Answer {
    site.post("/auth/password/reset", json!({"token": token, "password": password})).await
}

async fn verify(site: &Site, token: &str) -> Answer {
    site.post("/auth/email/verify", json!({"token": token})).await
}

/// Asks for a link to a new password, and answers its token.
async fn reset_token(person: &Person<'_>) -> String {
    letters_to(person.site, &person.email).await;
    forgot(person.site, &person.email).await.expect(202);
    token(&letters_to(person.site, &person.email).await, "reset_password")
}

async fn l8_a_forgotten_password_is_replaced_by_a_mailed_link(site: &Site) {
    let (ada, bob) = (site.newcomer().await, site.newcomer().await);
    let other_device = ada.sign_in().await;
    let token = reset_token(&ada).await;
    let done = reset(site, &token, NEW).await.expect(200);
    assert!(done["message"].is_string(), "{done}");
    let told = letters_to(site, &ada.email).await;
    assert_eq!(told.iter().map(|mail| mail.kind().as_str()).collect::<Vec<_>>(), ["password_changed"]);

    for session in [&ada, &other_device] {
        session.get("/users/me").await.refused(401, "SESSION_REVOKED");
        let refresh = site.post("/auth/refresh", json!({"refresh_token": session.refresh_token})).await;
        refresh.refused(401, "REFRESH_TOKEN_INVALID");
    }
    site.login(&ada.email, PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
    let again = site.login(&ada.email, NEW).await.expect(200);
    // Whoever reads the mail of an address has proved that it is theirs.
    assert_eq!(again["user"]["email_verified"], true);
    assert_eq!(site.rows("audit_log WHERE action = 'user.password_reset'").await, 1);

    reset(site, &token, PASSWORD).await.blames(422, "LINK_INVALID", "token");
    bob.get("/users/me").await.expect(200);
    site.login(&bob.email, PASSWORD).await.expect(200);
}

async fn l8_who_has_an_account_stays_untold(site: &Site) {
    let ada = site.newcomer().await;
    deliver(site).await;
    for path in ["/auth/password/forgot", "/auth/email/resend"] {
        let mut answers = Vec::new();
        for email in [ada.email.clone(), format!("{}@example.com", unique("nobody"))] {
            let waiting = site.rows("outbox").await;
            let answer = site.post(path, json!({"email": email})).await;
            assert_eq!(site.rows("outbox").await, waiting + 1, "{path} for {email}");
            answers.push((answer.expect(202), answer.headers.keys().cloned().collect::<Vec<_>>()));
        }
        assert_eq!(answers[0], answers[1], "{path}");
        let handled = deliver(site).await;
        assert_eq!(handled[0].delivery, Delivery::Sent, "{path}");
        assert_eq!(handled[1].delivery, Delivery::Dropped { reason: "the address has no account" }, "{path}");
    }
    // Nothing but the address of an account leads to one.
    let links = site.rows("mailed_links").await;
    forgot(site, &ada.username).await.blames(422, "VALIDATION_ERROR", "email");
    assert_eq!(site.rows("mailed_links").await, links);
}

async fn l8_a_weak_password_leaves_the_link_good(site: &Site) {
    let ada = site.newcomer().await;
    let token = reset_token(&ada).await;
    for weak in ["password", &ada.email, &ada.username] {
        reset(site, &token, weak).await.blames(422, "WEAK_PASSWORD", "password");
    }
    reset(site, &token, "short").await.blames(422, "VALIDATION_ERROR", "password");
    ada.get("/users/me").await.expect(200);
    reset(site, &token, NEW).await.expect(200);
}

async fn l8_a_link_is_used_once_however_many_try_at_once(site: &Site) {
    let ada = site.newcomer().await;
    let token = reset_token(&ada).await;
    let passwords: Vec<String> = (0..6).map(|number| format!("{NEW} number {number}")).collect();
    let answers = join_all(passwords.iter().map(|password| reset(site, &token, password))).await;
    let winners: Vec<usize> = (0..6).filter(|index| answers[*index].status == 200).collect();
    assert_eq!(winners.len(), 1, "{answers:?}");
    for (index, password) in passwords.iter().enumerate() {
        let login = site.login(&ada.email, password).await;
        if winners.contains(&index) {
            login.expect(200);
        } else {
            login.refused(401, "INVALID_CREDENTIALS");
            answers[index].refused(422, "LINK_INVALID");
        }
    }
}

async fn l8_only_the_latest_link_is_good_and_only_in_its_time(site: &Site) {
    let ada = site.newcomer().await;
    let (first, second) = (reset_token(&ada).await, reset_token(&ada).await);
    reset(site, &first, NEW).await.refused(422, "LINK_INVALID");
    site.sql("UPDATE mailed_links SET expires_at = '2020-01-01T00:00:00+00:00'").await;
    reset(site, &second, NEW).await.refused(422, "LINK_INVALID");
    site.login(&ada.email, PASSWORD).await.expect(200);
    let third = reset_token(&ada).await;
    reset(site, &third, NEW).await.expect(200);
}

async fn l8_links_of_different_kinds_are_not_exchanged(site: &Site) {
    let ada = site.newcomer().await;
    let verification = token(&letters_to(site, &ada.email).await, "verify_email");
    let password = reset_token(&ada).await;
    reset(site, &verification, NEW).await.refused(422, "LINK_INVALID");
    verify(site, &password).await.refused(422, "LINK_INVALID");
    // Neither was used up by that.
    verify(site, &verification).await.expect(200);
    reset(site, &password, NEW).await.expect(200);
}

async fn l8_a_reset_opens_a_locked_account(site: &Site) {
    let strict = site.another(&[("TENANTRY__GUESSING__PER_IDENTIFIER", "3")]).await;
    let ada = strict.newcomer().await;
    for _ in 0..3 {
        strict.login(&ada.email, "a wrong password").await.refused(401, "INVALID_CREDENTIALS");
    }
    strict.login(&ada.email, PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
    let token = reset_token(&ada).await;
    reset(&strict, &token, NEW).await.expect(200);
    strict.login(&ada.email, NEW).await.expect(200);
    strict.stop().await;
}

async fn l8_an_address_gets_a_few_mails_an_hour(site: &Site) {
    let ada = site.newcomer().await;
    deliver(site).await;
    for _ in 0..8 {
        forgot(site, &ada.email).await.expect(202);
    }
    let handled = deliver(site).await;
    let dropped = Delivery::Dropped { reason: "the recipient got enough of its kind" };
    let outcomes: Vec<bool> = handled.iter().map(|mail| mail.delivery == dropped).collect();
    assert_eq!(outcomes, [false, false, false, false, false, true, true, true], "{handled:?}");
    // What was not sent has replaced nothing.
    let last = token(&[handled[4].letter.mail.clone()], "reset_password");
    reset(site, &last, NEW).await.expect(200);
}

async fn l8_a_new_password_and_a_deletion_end_links(site: &Site) {
    let (ada, bob, cyd) = (site.newcomer().await, site.newcomer().await, site.newcomer().await);
    let tokens = [reset_token(&ada).await, reset_token(&bob).await, reset_token(&cyd).await];
    ada.patch("/users/me", json!({"password": NEW, "current_password": PASSWORD})).await.expect(200);
    bob.ask("DELETE", "/users/me").json(&json!({"password": PASSWORD})).send().await.expect(204);
    for token in &tokens[..2] {
        reset(site, token, "a third staple battery").await.refused(422, "LINK_INVALID");
    }
    site.login(&ada.email, NEW).await.expect(200);
    site.sql(&format!("UPDATE users SET is_active = {FALSE} WHERE email = '{}'", cyd.email)).await;
    reset(site, &tokens[2], NEW).await.refused(422, "LINK_INVALID");
    for person in [&bob, &cyd] {
        forgot(site, &person.email).await.expect(202);
        assert_eq!(letters_to(site, &person.email).await, []);
    }
}

/// What both databases take for a truth value that does not hold.
const FALSE: &str = "(1 = 0)";

async fn l8_a_second_factor_survives_a_reset(site: &Site) {
    let ada = site.newcomer().await;
    ada.ask("POST", "/auth/totp/enroll").send().await.expect(200);
    let confirmed = "UPDATE totp_secrets SET confirmed_at = created_at";
    site.sql(confirmed).await;
    let token = reset_token(&ada).await;
    reset(site, &token, NEW).await.expect(200);
    assert_eq!(site.login(&ada.email, NEW).await.expect(200)["mfa_required"], true);
}

async fn c13_an_address_is_verified_by_a_mailed_link(site: &Site) {
    let name = unique("registered");
    let email = format!("{name}@example.com");
    let body = json!({"email": email, "username": name, "password": PASSWORD});
    let registered = site.post("/auth/register", body).await.expect(200);
    assert_eq!(registered["email_verified"], false);
    let first = token(&letters_to(site, &email).await, "verify_email");
    site.post("/auth/email/resend", json!({"email": email.to_uppercase()})).await.expect(202);
    let handled = deliver(site).await;
    let second = token(&[handled[0].letter.mail.clone()], "verify_email");

    verify(site, &first).await.blames(422, "LINK_INVALID", "token");
    verify(site, &second).await.expect(200);
    verify(site, &second).await.refused(422, "LINK_INVALID");
    let ada = Person::of(site, &site.login(&email, PASSWORD).await.expect(200));
    assert_eq!(ada.get("/users/me").await.expect(200)["email_verified"], true);
    assert_eq!(site.rows("audit_log WHERE action = 'user.email_verify'").await, 1);

    site.post("/auth/email/resend", json!({"email": email})).await.expect(202);
    let handled = deliver(site).await;
    assert_eq!(handled[0].delivery, Delivery::Dropped { reason: "the address is verified already" });
}

async fn c13_bad_requests_for_links_are_refused(site: &Site) {
    for path in ["/auth/password/forgot", "/auth/email/resend"] {
        for (body, field) in [
            (json!({"email": "no address"}), "email"),
            (json!({}), "email"),
            (json!({"email": null}), "email"),
            (json!({"email": "a@example.com", "username": "a"}), "username"),
        ] {
            site.post(path, body).await.blames(422, "VALIDATION_ERROR", field);
        }
    }
    let made_up = "t".repeat(43);
    for bad in ["", "short", &made_up, &format!("{made_up}x"), "é", "' OR 1 = 1 --"] {
        verify(site, bad).await.blames(422, "LINK_INVALID", "token");
        reset(site, bad, NEW).await.blames(422, "LINK_INVALID", "token");
    }
    let without: Value = json!({"password": NEW});
    site.post("/auth/password/reset", without).await.blames(422, "VALIDATION_ERROR", "token");
    // Whoever follows a link, a scanner of mails for one, changes nothing.
    for path in ["/auth/password/reset", "/auth/email/verify", "/auth/password/forgot", "/auth/email/resend"] {
        for method in ["GET", "HEAD"] {
            assert_eq!(site.ask(method, path).send().await.status, 405, "{method} {path}");
        }
    }
    assert_eq!(site.rows("outbox").await, 0);
}

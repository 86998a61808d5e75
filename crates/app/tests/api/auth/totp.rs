//! A second factor: authenticator apps and recovery codes.

use serde_json::{Value, json};
use tenantry_kernel::{Clock as _, SystemClock};
use totp_rs::{Builder, Secret, Totp};

use crate::answer::Answer;
use crate::on_both_databases;
use crate::person::Person;
use crate::site::{PASSWORD, Site};

on_both_databases!(
    an_app_counts_only_when_it_is_confirmed,
    with_an_app_a_password_alone_opens_nothing,
    a_code_is_good_once_however_many_use_it_at_once,
    a_recovery_code_stands_in_once,
    wrong_codes_are_limited_and_lock_no_password,
    a_question_dies_with_the_password_and_with_a_sign_out,
    a_bad_question_is_refused,
    disabling_asks_for_password_and_code,
    nobody_uses_the_app_of_another,
    the_audit_log_tells_of_factors_and_wrong_codes,
);

/// Somebody's phone.
pub(super) struct App(Totp);

impl App {
    /// The code so many steps from now.
    fn code(&self, step: i64) -> String {
        let now = SystemClock.now().timestamp() + 30 * step;
        self.0.generate(u64::try_from(now).unwrap()).to_string()
    }

    /// A code of no step that could be meant.
    fn wrong_code(&self) -> String {
        let near: Vec<String> = (-3..=3).map(|step| self.code(step)).collect();
        (0..10).map(|number| format!("{number:06}")).find(|code| !near.contains(code)).unwrap()
    }
}

async fn enroll(person: &Person<'_>) -> App {
    let setup = person.ask("POST", "/auth/totp/enroll").send().await.expect(200);
    let secret = setup["secret"].as_str().unwrap();
    let url = setup["otpauth_url"].as_str().unwrap();
    assert!(url.starts_with("otpauth://totp/Tenantry:") && url.contains(secret), "{url}");
    assert!(setup["qr_svg"].as_str().unwrap().contains("<svg"), "{setup}");
    let secret = Secret::try_from_base32(secret).unwrap();
    App(Builder::new().with_secret(secret).build().unwrap())
}

/// Somebody whose app is confirmed, and their recovery codes.
pub(super) async fn with_app(site: &Site) -> (Person<'_>, App, Vec<String>) {
    let person = site.newcomer().await;
    let app = enroll(&person).await;
    let confirmed = person.post("/auth/totp/confirm", json!({"code": app.code(0)})).await.expect(200);
    // As if it had been confirmed some minutes ago.
    site.sql("UPDATE totp_secrets SET last_step = last_step - 5").await;
    let codes: Vec<String> =
        confirmed["recovery_codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    assert_eq!(codes.len(), 10);
    (person, app, codes)
}

/// Gives the right password, and answers the token for the second factor.
async fn question(person: &Person<'_>) -> String {
    let asked = person.site.login(&person.email, PASSWORD).await.expect(200);
    assert_eq!((&asked["mfa_required"], &asked["expires_in"]), (&json!(true), &json!(300)), "{asked}");
    assert_eq!(asked.as_object().unwrap().len(), 3, "{asked}");
    asked["mfa_token"].as_str().unwrap().to_owned()
}

async fn answer(site: &Site, token: &str, member: &str, code: &str) -> Answer {
    site.post("/auth/totp/challenge", json!({"mfa_token": token, member: code})).await
}

fn same_person(site: &Site, answer: &Value, person: &Person<'_>) {
    let signed_in = Person::of(site, answer);
    assert_eq!((signed_in.id, &answer["token_type"]), (person.id.clone(), &json!("bearer")), "{answer}");
}

async fn an_app_counts_only_when_it_is_confirmed(site: &Site) {
    let person = site.newcomer().await;
    person.post("/auth/totp/confirm", json!({"code": "123456"})).await.refused(409, "CONFLICT");
    let forgotten = enroll(&person).await;
    let app = enroll(&person).await;
    site.login(&person.email, PASSWORD).await.expect(200)["access_token"].as_str().unwrap();
    let old = person.post("/auth/totp/confirm", json!({"code": forgotten.code(0)})).await;
    old.blames(422, "VALIDATION_ERROR", "code");
    let wrong = person.post("/auth/totp/confirm", json!({"code": app.wrong_code()})).await;
    wrong.blames(422, "VALIDATION_ERROR", "code");
    let short = person.post("/auth/totp/confirm", json!({"code": "12345"})).await;
    short.blames(422, "VALIDATION_ERROR", "code");
    site.login(&person.email, PASSWORD).await.expect(200)["access_token"].as_str().unwrap();

    let code = app.code(0);
    person.post("/auth/totp/confirm", json!({"code": code})).await.expect(200);
    answer(site, &question(&person).await, "code", &code).await.refused(401, "INVALID_CREDENTIALS");
    person.post("/auth/totp/confirm", json!({"code": app.code(1)})).await.refused(409, "CONFLICT");
    person.ask("POST", "/auth/totp/enroll").send().await.refused(409, "CONFLICT");
}

async fn with_an_app_a_password_alone_opens_nothing(site: &Site) {
    let (person, app, _) = with_app(site).await;
    let sessions = site.rows("sessions").await;
    let token = question(&person).await;
    assert_eq!(site.rows("sessions").await, sessions);
    // The question is no key to anything else.
    person.with_token(&token).get("/users/me").await.refused(401, "TOKEN_INVALID");
    site.post("/auth/refresh", json!({"refresh_token": token})).await.refused(401, "REFRESH_TOKEN_INVALID");
    site.login(&person.email, "another password").await.refused(401, "INVALID_CREDENTIALS");

    answer(site, &token, "code", &app.wrong_code()).await.refused(401, "INVALID_CREDENTIALS");
    let signed_in = answer(site, &token, "code", &app.code(0)).await.expect(200);
    same_person(site, &signed_in, &person);
    assert_ne!(signed_in["user"]["last_login_at"], Value::Null);
    let sign_up = Person::of(site, &signed_in);
    sign_up.get("/users/me").await.expect(200);
}

async fn a_code_is_good_once_however_many_use_it_at_once(site: &Site) {
    let (person, app, _) = with_app(site).await;
    let token = question(&person).await;
    let code = app.code(1);
    let tries = (0..6).map(|_| answer(site, &token, "code", &code));
    let answers = futures_util::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        refused.refused(401, "INVALID_CREDENTIALS");
    }
    // An older one that was never used is no better.
    answer(site, &token, "code", &app.code(0)).await.refused(401, "INVALID_CREDENTIALS");
}

async fn a_recovery_code_stands_in_once(site: &Site) {
    let (person, _, codes) = with_app(site).await;
    let token = question(&person).await;
    let typed = codes[0].to_uppercase().replace('-', " ");
    same_person(site, &answer(site, &token, "recovery_code", &typed).await.expect(200), &person);
    answer(site, &token, "recovery_code", &codes[0]).await.refused(401, "INVALID_CREDENTIALS");
    answer(site, &token, "recovery_code", "abcd-efgh-jkmn-pqrs").await.refused(401, "INVALID_CREDENTIALS");
    answer(site, &token, "recovery_code", &codes[1]).await.expect(200);
}

async fn wrong_codes_are_limited_and_lock_no_password(site: &Site) {
    let (person, app, codes) = with_app(site).await;
    let token = question(&person).await;
    let wrong = app.wrong_code();
    let tries = (0..20).map(|_| answer(site, &token, "code", &wrong));
    for refused in futures_util::future::join_all(tries).await {
        refused.refused(401, "INVALID_CREDENTIALS");
    }
    answer(site, &token, "code", &app.code(0)).await.refused(401, "INVALID_CREDENTIALS");
    let another = question(&person).await;
    answer(site, &another, "recovery_code", &codes[0]).await.refused(401, "INVALID_CREDENTIALS");
    person.get("/users/me").await.expect(200);

    let passed = "UPDATE totp_secrets SET attempts_since = '2020-01-01T00:00:00+00:00'";
    site.sql(passed).await;
    answer(site, &another, "recovery_code", &codes[0]).await.expect(200);
}

async fn a_question_dies_with_the_password_and_with_a_sign_out(site: &Site) {
    let (person, app, codes) = with_app(site).await;
    let token = question(&person).await;
    let change = json!({"password": "another staple battery", "current_password": PASSWORD});
    person.patch("/users/me", change).await.expect(200);
    answer(site, &token, "recovery_code", &codes[0]).await.refused(401, "INVALID_CREDENTIALS");

    let asked = site.login(&person.email, "another staple battery").await.expect(200);
    let token = asked["mfa_token"].as_str().unwrap();
    person.ask("POST", "/auth/logout").send().await.expect(200);
    answer(site, token, "code", &app.code(0)).await.refused(401, "INVALID_CREDENTIALS");
    // Nothing of that used the code up.
    let asked = site.login(&person.email, "another staple battery").await.expect(200);
    answer(site, asked["mfa_token"].as_str().unwrap(), "recovery_code", &codes[0]).await.expect(200);
}

async fn a_bad_question_is_refused(site: &Site) {
    let (person, app, codes) = with_app(site).await;
    let token = question(&person).await;
    for bad in ["", "tnm_", "garbage", &token[..token.len() - 1], &person.access_token, &person.refresh_token] {
        answer(site, bad, "code", &app.code(0)).await.refused(401, "TOKEN_INVALID");
    }
    let both = json!({"mfa_token": token, "code": app.code(0), "recovery_code": codes[0]});
    site.post("/auth/totp/challenge", both).await.blames(422, "VALIDATION_ERROR", "recovery_code");
    site.post("/auth/totp/challenge", json!({"mfa_token": token})).await.blames(422, "VALIDATION_ERROR", "code");
    answer(site, &token, "code", "12 34").await.refused(401, "INVALID_CREDENTIALS");
    answer(site, &token, "code", &app.code(0)).await.expect(200);
}

async fn disabling_asks_for_password_and_code(site: &Site) {
    let (person, app, codes) = with_app(site).await;
    let disable = |password: &str, code: String| {
        let person = person.clone();
        let body = json!({"password": password, "code": code});
        async move { person.post("/auth/totp/disable", body).await }
    };
    disable("wrong", app.code(0)).await.blames(422, "VALIDATION_ERROR", "password");
    disable(PASSWORD, app.wrong_code()).await.blames(422, "VALIDATION_ERROR", "code");
    question(&person).await;
    let done = disable(PASSWORD, app.code(0)).await.expect(200);
    assert_eq!(done, json!({"message": "Two-factor authentication disabled"}));
    same_person(site, &site.login(&person.email, PASSWORD).await.expect(200), &person);
    disable(PASSWORD, codes[0].clone()).await.refused(409, "CONFLICT");
    assert_eq!(site.rows("recovery_codes").await, 0);

    // Whoever has lost the app gets out with a recovery code, and the new app has codes of its own.
    let app = enroll(&person).await;
    let confirmed = person.post("/auth/totp/confirm", json!({"code": app.code(0)})).await.expect(200);
    disable(PASSWORD, codes[1].clone()).await.blames(422, "VALIDATION_ERROR", "code");
    disable(PASSWORD, confirmed["recovery_codes"][0].as_str().unwrap().to_owned()).await.expect(200);
}

async fn nobody_uses_the_app_of_another(site: &Site) {
    let (ada, app, codes) = with_app(site).await;
    let (bob, _, _) = with_app(site).await;
    let token = question(&bob).await;
    answer(site, &token, "code", &app.code(0)).await.refused(401, "INVALID_CREDENTIALS");
    answer(site, &token, "recovery_code", &codes[0]).await.refused(401, "INVALID_CREDENTIALS");
    same_person(site, &answer(site, &question(&ada).await, "code", &app.code(0)).await.expect(200), &ada);
}

async fn the_audit_log_tells_of_factors_and_wrong_codes(site: &Site) {
    let (person, app, _) = with_app(site).await;
    let token = question(&person).await;
    answer(site, &token, "code", "000000").await.refused(401, "INVALID_CREDENTIALS");
    let off = json!({"password": PASSWORD, "code": app.code(0)});
    person.post("/auth/totp/disable", off).await.expect(200);
    let export = person.get("/users/me/export").await.expect(200);
    let told: Vec<_> =
        export["events"].as_array().unwrap().iter().map(|event| event["action"].as_str().unwrap()).collect();
    for action in ["user.second_factor_enable", "user.second_factor_disable"] {
        assert!(told.contains(&action), "{told:?}");
    }
    let admin = site.administrator().await;
    let log = admin.get("/admin/audit-log?action=user.login&outcome=failure").await.expect(200);
    assert_eq!((&log["count"], &log["data"][0]["data"]["reason"]), (&json!(1), &json!("invalid_credentials")), "{log}");
}

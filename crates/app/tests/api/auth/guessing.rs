//! Guessing passwords: slowed down, then locked, and never at the cost of whoever is known.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use super::sign_in::without_occasion;
use crate::answer::Answer;
use crate::on_both_databases;
use crate::person::Person;
use crate::site::{PASSWORD, Site};

on_both_databases!(
    a_locked_account_looks_like_a_wrong_password_and_stays_locked_over_a_restart,
    a_wrong_password_has_to_be_followed_by_a_wait,
    of_many_guesses_at_once_no_more_are_compared_than_the_limit,
    a_known_device_gets_in_during_an_attack,
    anothers_device_token_is_worth_nothing,
    a_thief_of_a_session_may_not_guess_for_ever,
    an_address_may_not_guess_for_ever,
    right_passwords_are_never_counted,
);

const WRONG: &str = "wrong horse battery";

async fn login_from(site: &Site, name: &str, password: &str, device: &str) -> Answer {
    let login = site.ask("POST", "/auth/login").header("x-device-token", device);
    login.json(&json!({"email": name, "password": password})).send().await
}

async fn device_of(person: &Person<'_>) -> String {
    let login = person.site.login(&person.email, PASSWORD).await.expect(200);
    login["device_token"].as_str().unwrap().to_owned()
}

async fn a_locked_account_looks_like_a_wrong_password_and_stays_locked_over_a_restart(site: &Site) {
    let strict = site.another(&[("TENANTRY__GUESSING__PER_IDENTIFIER", "3")]).await;
    Person::sign_up(&strict, "ada").await;
    let wrong = without_occasion(&strict.login("ada", WRONG).await);
    for name in ["ada", "ada@example.com"] {
        strict.login(name, WRONG).await.refused(401, "INVALID_CREDENTIALS");
    }
    let locked = strict.login("ada@example.com", PASSWORD).await;
    locked.refused(401, "INVALID_CREDENTIALS");
    assert_eq!(without_occasion(&locked), wrong);
    // Names that nobody has are treated alike.
    for _ in 0..5 {
        assert_eq!(without_occasion(&strict.login("nobody", WRONG).await), wrong);
    }
    strict.stop().await;
    let restarted = site.another(&[("TENANTRY__GUESSING__PER_IDENTIFIER", "3")]).await;
    restarted.login("ada", PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
    Person::sign_up(&restarted, "bob").await.sign_in().await;
    restarted.stop().await;
}

async fn a_wrong_password_has_to_be_followed_by_a_wait(site: &Site) {
    let patient = site.another(&[("TENANTRY__GUESSING__WAITS", "1:2")]).await;
    Person::sign_up(&patient, "ada").await;
    let start = Instant::now();
    patient.login("ada", WRONG).await.refused(401, "INVALID_CREDENTIALS");
    let answer = patient.login("ada", PASSWORD).await;
    if start.elapsed() < Duration::from_millis(1_500) {
        answer.refused(401, "INVALID_CREDENTIALS");
    }
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    patient.login("ada", PASSWORD).await.expect(200);
    patient.stop().await;
}

async fn of_many_guesses_at_once_no_more_are_compared_than_the_limit(site: &Site) {
    let limits = [
        ("TENANTRY__GUESSING__PER_IDENTIFIER", "20"),
        ("TENANTRY__GUESSING__PER_ADDRESS_PER_HOUR", "0"),
        ("TENANTRY__AUTH__HASH_QUEUE_LENGTH", "1000"),
    ];
    let strict = site.another(&limits).await;
    Person::sign_up(&strict, "ada").await;
    let before = hashes(&strict).await;
    let answers = join_all((0..300).map(|_| strict.login("ada", WRONG))).await;
    for answer in &answers {
        // A database that is asked by so many at once may say no.
        assert!([401, 503].contains(&answer.status), "{answer}");
    }
    let compared = hashes(&strict).await - before;
    assert!((1..=20).contains(&compared), "{compared} passwords were compared");
    strict.stop().await;
}

/// How many passwords were hashed.
async fn hashes(site: &Site) -> u64 {
    let metrics = site.at("GET", "/metrics").send().await.text();
    let line = metrics.lines().find_map(|line| line.strip_prefix("password_hashes_completed "));
    line.unwrap().parse().unwrap()
}

async fn a_known_device_gets_in_during_an_attack(site: &Site) {
    let limits = [("TENANTRY__GUESSING__PER_ADDRESS_PER_HOUR", "0"), ("TENANTRY__GUESSING__AT_ONCE", "2")];
    let attacked = site.another(&limits).await;
    let ada = Person::sign_up(&attacked, "ada").await;
    let device = device_of(&ada).await;
    let attack = async {
        for _ in 0..120 {
            attacked.login("ada", WRONG).await.refused(401, "INVALID_CREDENTIALS");
        }
    };
    let owner = async {
        for _ in 0..100 {
            let login = login_from(&attacked, "ada", PASSWORD, &device).await.expect(200);
            assert!(login["device_token"].as_str().unwrap().starts_with("tnd_"), "{login}");
        }
    };
    tokio::join!(attack, owner);
    attacked.login("ada", PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
    login_from(&attacked, "ada", PASSWORD, &device).await.expect(200);
    attacked.stop().await;
}

async fn anothers_device_token_is_worth_nothing(site: &Site) {
    let strict = site.another(&[("TENANTRY__GUESSING__PER_IDENTIFIER", "3")]).await;
    let (ada, eve) = (Person::sign_up(&strict, "ada").await, Person::sign_up(&strict, "eve").await);
    let (adas, eves) = (device_of(&ada).await, device_of(&eve).await);
    for _ in 0..3 {
        login_from(&strict, "ada", WRONG, &eves).await.refused(401, "INVALID_CREDENTIALS");
    }
    for device in [eves.as_str(), "", "tnd_", "garbage", &adas[..60], &ada.refresh_token] {
        login_from(&strict, "ada", PASSWORD, device).await.refused(401, "INVALID_CREDENTIALS");
    }
    login_from(&strict, "ada", PASSWORD, &adas).await.expect(200);
    login_from(&strict, "eve", PASSWORD, &eves).await.expect(200);
    strict.stop().await;
}

async fn a_thief_of_a_session_may_not_guess_for_ever(site: &Site) {
    let strict = site.another(&[("TENANTRY__GUESSING__PER_IDENTIFIER", "3")]).await;
    let ada = Person::sign_up(&strict, "ada").await;
    let new = "a much better password";
    for _ in 0..2 {
        let change = json!({"password": new, "current_password": WRONG});
        ada.patch("/users/me", change).await.blames(422, "VALIDATION_ERROR", "current_password");
    }
    let delete = ada.ask("DELETE", "/users/me").json(&json!({"password": WRONG})).send().await;
    delete.blames(422, "VALIDATION_ERROR", "password");
    let change = json!({"password": new, "current_password": PASSWORD});
    ada.patch("/users/me", change).await.blames(422, "VALIDATION_ERROR", "current_password");
    // That locks nobody out.
    ada.sign_in().await;
    strict.stop().await;
}

async fn an_address_may_not_guess_for_ever(site: &Site) {
    let strict = site.another(&[("TENANTRY__GUESSING__PER_ADDRESS_PER_HOUR", "5")]).await;
    let ada = Person::sign_up(&strict, "ada").await;
    let device = device_of(&ada).await;
    for number in 0..5 {
        strict.login(&format!("nobody{number}"), WRONG).await.refused(401, "INVALID_CREDENTIALS");
    }
    strict.login("ada", PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
    login_from(&strict, "ada", PASSWORD, &device).await.expect(200);
    strict.stop().await;
}

async fn right_passwords_are_never_counted(site: &Site) {
    let limits = [("TENANTRY__GUESSING__PER_IDENTIFIER", "5"), ("TENANTRY__GUESSING__PER_ADDRESS_PER_HOUR", "5")];
    let strict = site.another(&limits).await;
    let ada = Person::sign_up(&strict, "ada").await;
    for _ in 0..4 {
        strict.login("ada", WRONG).await.refused(401, "INVALID_CREDENTIALS");
        for _ in 0..3 {
            ada.sign_in().await;
        }
    }
    let at_once = join_all((0..5).map(|_| strict.login("ada", PASSWORD))).await;
    assert!(at_once.iter().any(|answer| answer.status == 200), "{at_once:#?}");
    strict.stop().await;
}

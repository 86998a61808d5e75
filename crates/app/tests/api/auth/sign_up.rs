//! M1, M2, L1, C1: accounts are made.

use serde_json::json;

use crate::on_both_databases;
use crate::person::Person;
use crate::site::{PASSWORD, Site};

on_both_databases!(
    m1_register_answers_the_flat_user_and_signs_nobody_in,
    l1_signup_signs_in_and_makes_a_personal_organization,
    c1_signup_with_a_company_founds_it,
    m2_taken_names_are_refused_however_they_are_spelt,
    m2_weak_and_short_passwords_are_refused,
    every_bad_field_is_named_at_once,
    names_are_kept_as_typed,
);

async fn m1_register_answers_the_flat_user_and_signs_nobody_in(site: &Site) {
    let body = json!({"email": "ada@example.com", "username": "ada", "password": PASSWORD, "full_name": "Ada L."});
    let user = site.post("/auth/register", body).await.expect(200);
    for (member, value) in
        [("email", "ada@example.com"), ("username", "ada"), ("full_name", "Ada L."), ("role", "OWNER")]
    {
        assert_eq!(user[member], value, "{user}");
    }
    assert_eq!((&user["is_active"], &user["email_verified"]), (&json!(true), &json!(false)));
    assert!(user["id"].is_string() && user["created_at"].is_string() && user["updated_at"].is_string(), "{user}");
    assert!(user["access_token"].is_null() && user["password"].is_null() && user["last_login_at"].is_null(), "{user}");
    assert_eq!((site.rows("sessions").await, site.rows("organizations").await), (0, 1));

    let signed_in = site.login("ada", PASSWORD).await.expect(200);
    assert_eq!(signed_in["organization"]["name"], "Ada L.");
    assert_eq!(signed_in["user"]["organization_id"], user["organization_id"]);
}

async fn l1_signup_signs_in_and_makes_a_personal_organization(site: &Site) {
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "name": "Ada L."});
    let answer = site.post("/auth/signup", body).await;
    let signed_up = answer.expect(201);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(signed_up["message"], "User created successfully");
    assert_eq!((&signed_up["token_type"], &signed_up["expires_in"]), (&json!("bearer"), &json!(900)));
    assert_eq!(signed_up["user"]["full_name"], "Ada L.");
    assert!(signed_up["user"]["username"].as_str().unwrap().starts_with("ada-"), "{signed_up}");
    assert!(!answer.text().contains(PASSWORD) && !answer.text().contains("$2"), "{answer}");
    let ada = Person::of(site, &signed_up);
    assert_eq!(ada.get("/users/me").await.expect(200), signed_up["user"]);
}

async fn c1_signup_with_a_company_founds_it(site: &Site) {
    let mut slugs = Vec::new();
    for name in ["ada", "bob"] {
        let email = format!("{name}@example.com");
        let body = json!({"email": email, "password": PASSWORD, "full_name": name, "company_name": " Acme & Söhne "});
        let signed_up = site.post("/auth/signup", body).await.expect(201);
        let organization = &signed_up["organization"];
        assert_eq!((&organization["name"], &organization["plan"]), (&json!("Acme & Söhne"), &json!("FREE")));
        assert_eq!(signed_up["user"]["role"], "OWNER");
        slugs.push(organization["slug"].as_str().unwrap().to_owned());
    }
    assert!(slugs[0] != slugs[1] && slugs.iter().all(|slug| slug.starts_with("acme")), "{slugs:?}");
}

async fn m2_taken_names_are_refused_however_they_are_spelt(site: &Site) {
    Person::sign_up(site, "ada").await;
    let rows = site.rows("organizations").await;
    for path in ["/auth/register", "/auth/signup"] {
        for (email, username, code, field) in [
            ("ada@example.com", "other", "EMAIL_TAKEN", "email"),
            (" ADA@Example.COM ", "other", "EMAIL_TAKEN", "email"),
            ("other@example.com", "ada", "USERNAME_TAKEN", "username"),
            ("other@example.com", "ADA", "USERNAME_TAKEN", "username"),
            ("ada@example.com", "ada", "EMAIL_TAKEN", "email"),
        ] {
            let body = json!({"email": email, "username": username, "password": PASSWORD});
            site.post(path, body).await.blames(409, code, field);
        }
    }
    assert_eq!((site.rows("users").await, site.rows("organizations").await), (1, rows));
    let both = futures_util::future::join_all((0..8).map(|number| {
        let body = json!({"email": "bob@example.com", "username": format!("bob{number}"), "password": PASSWORD});
        site.post("/auth/register", body)
    }));
    let made = both.await.iter().filter(|answer| answer.status == 200).count();
    assert_eq!((made, site.rows("users").await, site.rows("organizations").await), (1, 2, rows + 1));
}

async fn m2_weak_and_short_passwords_are_refused(site: &Site) {
    for path in ["/auth/register", "/auth/signup"] {
        for (password, code) in [
            ("Ab1!xyz".to_owned(), "VALIDATION_ERROR"),
            (String::new(), "VALIDATION_ERROR"),
            ("x".repeat(257), "VALIDATION_ERROR"),
            ("nul\u{0}nul\u{0}nul".to_owned(), "VALIDATION_ERROR"),
            ("password".to_owned(), "WEAK_PASSWORD"),
            ("12345678".to_owned(), "WEAK_PASSWORD"),
            ("aaaaaaaaaaaa".to_owned(), "WEAK_PASSWORD"),
            ("ada@example.com".to_owned(), "WEAK_PASSWORD"),
            ("ada.lovelace".to_owned(), "WEAK_PASSWORD"),
        ] {
            let body = json!({"email": "ada@example.com", "username": "ada.lovelace", "password": password});
            site.post(path, body).await.blames(422, code, "password");
        }
    }
    assert_eq!(site.rows("users").await, 0);
    // The example passwords of the five backends, and one that bcrypt alone would cut.
    let long = format!("{}-the-end", "many words that go on ".repeat(8));
    for (number, password) in ["SecurePass123!", "securePassword123", long.as_str()].into_iter().enumerate() {
        let email = format!("n{number}@example.com");
        site.post("/auth/signup", json!({"email": email, "password": password})).await.expect(201);
        site.login(&email, password).await.expect(200);
    }
    site.login("n2@example.com", long.strip_suffix("-the-end").unwrap()).await.refused(401, "INVALID_CREDENTIALS");
}

async fn every_bad_field_is_named_at_once(site: &Site) {
    let body = json!({"email": "no address", "username": "a b", "password": "short", "full_name": "\u{7}"});
    let problem = site.post("/auth/signup", body).await.blames(422, "VALIDATION_ERROR", "email");
    let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["email", "username", "password", "full_name"]);
}

async fn names_are_kept_as_typed(site: &Site) {
    let body =
        json!({"email": " Zoë@Exämple.com ", "username": "Zoë", "password": PASSWORD, "full_name": " Zoë Ünïcode 🦀 "});
    let user = site.post("/auth/register", body).await.expect(200);
    assert_eq!(
        (&user["email"], &user["username"], &user["full_name"]),
        (&json!("Zoë@Exämple.com"), &json!("Zoë"), &json!("Zoë Ünïcode 🦀"))
    );
    // The same letter as two code points, and other cases.
    for name in ["zoe\u{308}@exa\u{308}mple.com", "ZOË@EXÄMPLE.COM", "zoë", "ZOË"] {
        site.login(name, PASSWORD).await.expect(200);
    }
}

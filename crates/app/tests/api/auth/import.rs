//! C11: accounts from elsewhere, with passwords that were hashed there.

use tenantry_app::commands::users::{ImportReport, import_rows, rows};
use tenantry_application::ImportMode;

use crate::on_both_databases;
use crate::person::Person;
use crate::site::{Site, unique};

/// Of "correct horse", computed with argon2-cffi.
const ARGON2ID: &str = "$argon2id$v=19$m=64,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$buIR3cR+U1IUJ8+WyIxlnaObAbutw+YzwF0bmgUKlVY";
/// Of "secret", computed with Python's bcrypt.
const BCRYPT: &str = "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";

on_both_databases!(c11_imported_people_sign_in_with_the_passwords_that_they_had);

async fn import(site: &Site, text: &str, mode: ImportMode) -> (ImportReport, String) {
    let mut said = Vec::new();
    let rows = rows::read(rows::Format::Csv, std::io::Cursor::new(text.to_owned())).unwrap();
    let report = import_rows(&site.running.node().services.sign_up, rows, mode, &mut said).await.unwrap();
    (report, String::from_utf8(said).unwrap())
}

async fn c11_imported_people_sign_in_with_the_passwords_that_they_had(site: &Site) {
    let known = site.newcomer().await;
    let (ada, bob) = (unique("ada"), unique("bob"));
    let text = [
        "email,username,full_name,password_hash,email_verified,created_at".to_owned(),
        format!("{ada}@example.com,{ada},\"Ada, Countess\",\"{ARGON2ID}\",true,2020-01-31T10:00:00Z"),
        format!("{bob}@example.com,,,{BCRYPT},,"),
        format!(",nobody,,{BCRYPT},,"),
        format!("x{ada}@example.com,,,{},,", BCRYPT.replace("$04$", "$31$")),
        format!("{},other{ada},,{BCRYPT},,", known.email.to_uppercase()),
        format!("y{ada}@example.com,{},,{BCRYPT},,", known.username),
        format!("z{ada}@example.com,,,{BCRYPT},,2999-01-01T00:00:00Z"),
        format!("not an address,,,{BCRYPT},,"),
    ]
    .join("\n");
    let remarks = "line 4: email is missing\n\
         line 5: password_hash is malformed, of an unknown scheme, or too expensive\n\
         line 6: skipped: the e-mail address has an account\n\
         line 7: username is taken\n\
         line 8: created_at must not be in the future\n\
         line 9: email must be an e-mail address\n";
    let users = site.rows("users").await;
    let first = ImportReport { created: 2, skipped: 1, failed: 5 };
    let (report, said) = import(site, &text, ImportMode::Try).await;
    assert_eq!(report, first, "{said}");
    assert_eq!(site.rows("users").await, users);
    let (report, said) = import(site, &text, ImportMode::Keep).await;
    assert_eq!((report, said.as_str()), (first, remarks));
    assert_eq!(site.rows("users").await, users + 2);
    let (report, said) = import(site, &text, ImportMode::Keep).await;
    assert_eq!(report, ImportReport { created: 0, skipped: 3, failed: 5 }, "{said}");
    assert_eq!(site.rows("users").await, users + 2);

    let signed_in = site.login(&ada, "correct horse").await.expect(200);
    assert_eq!(
        (&signed_in["user"]["email_verified"], &signed_in["user"]["full_name"]),
        (&true.into(), &"Ada, Countess".into())
    );
    assert!(signed_in["user"]["created_at"].as_str().unwrap().starts_with("2020-01-31T10:00:00"));
    assert_eq!(
        (&signed_in["organization"]["name"], &signed_in["user"]["role"]),
        (&"Ada, Countess".into(), &"OWNER".into())
    );
    let log = Person::of(site, &signed_in).get("/audit-log?action=user.import").await.expect(200);
    assert_eq!((&log["total"], &log["data"][0]["actor_type"]), (&1.into(), &"system".into()));
    // What was hashed elsewhere is hashed our way at the first sign-in.
    assert_eq!(site.rows("credentials WHERE password_hash LIKE '$argon2id%'").await, 0);
    site.login(&ada, "correct horse").await.expect(200);
    site.login(&ada, "correct horsf").await.refused(401, "INVALID_CREDENTIALS");

    let signed_in = site.login(&format!("{bob}@example.com"), "secret").await.expect(200);
    assert_eq!(signed_in["user"]["email_verified"], false);
    // A password that would be refused today keeps its hash.
    assert_eq!(site.rows("credentials WHERE password_hash LIKE '$2y$%'").await, 1);
}

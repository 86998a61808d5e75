use proptest::prelude::*;

use super::*;

const GIBIBYTE: Argon2Memory = Argon2Memory(1_024 * 1_024);

fn current() -> BcryptSha256 {
    BcryptSha256::new(BcryptCost::new(4).unwrap())
}

fn verdict(attempt: &str, stored: &str) -> Result<Verification, UnsupportedHash> {
    let verdict = verify(current(), GIBIBYTE, attempt, stored);
    // What is supported is computed, and nothing else.
    assert_eq!(is_supported(stored, GIBIBYTE), verdict.is_ok(), "{stored}");
    verdict
}

// Known answers were computed with other implementations: Python's bcrypt, hmac and argon2-cffi.

#[test]
fn known_answers_of_bcrypt_sha256() {
    let known = [
        ("correct horse battery staple", "05$abcdefghijklmnopqrstuubsungiydZLgcxsIddv6ixH21Pl8kSiy"),
        ("", "04$abcdefghijklmnopqrstuu2YZyxpuwYaPasMvMDkwkEFRN4XLF75a"),
        ("pässwörd\0x", "04$abcdefghijklmnopqrstuuIfcfKbXbaO/f2/pTjFdrE7g5AqcqvYu"),
        // The example in the documentation of passlib's bcrypt_sha256, in our spelling.
        ("password", "12$n79VH.0Q2TMWmt3Oqt9ukuKq4Noyk3094Y2QlB8NdRT8SvGiI4ft2"),
    ];
    for (password, rest) in known {
        let stored = format!("$tenantry-bcrypt-sha256$v=1$2b${rest}");
        assert_ne!(verdict(password, &stored), Ok(Verification::Mismatch), "{password}");
        assert_eq!(verdict(&format!("{password}."), &stored), Ok(Verification::Mismatch), "{password}");
    }
}

#[test]
fn passwords_count_whole_whatever_their_length_and_bytes() {
    for password in ["x".repeat(72), "x".repeat(73), "ä".repeat(256), "nul\0inside".to_owned()] {
        let stored = current().hash(&password);
        assert_eq!(verdict(&password, &stored), Ok(Verification::Match));
        assert_eq!(verdict(&format!("{password}y"), &stored), Ok(Verification::Mismatch));
        let mut shorter = password.clone();
        shorter.pop();
        assert_eq!(verdict(&shorter, &stored), Ok(Verification::Mismatch));
    }
    let known = "$tenantry-bcrypt-sha256$v=1$2b$04$abcdefghijklmnopqrstuudiPWDa0LmBdd3V8IYadco5OtY7cStCC";
    assert_eq!(verdict(&"x".repeat(73), known), Ok(Verification::Match));
}

#[test]
fn salts_differ() {
    assert_ne!(current().hash("same"), current().hash("same"));
}

#[test]
fn another_cost_is_to_be_rehashed() {
    let stored = BcryptSha256::new(BcryptCost::new(5).unwrap()).hash("secret");
    assert_eq!(verdict("secret", &stored), Ok(Verification::MatchRehash));
    assert_eq!(verdict("other", &stored), Ok(Verification::Mismatch));
}

#[test]
fn the_decoy_is_checked_like_any_hash_and_matches_nothing() {
    let decoy = current().decoy();
    assert_eq!(decoy.len(), current().hash("secret").len());
    assert_eq!(verdict("", &decoy), Ok(Verification::Mismatch));
    assert_eq!(verdict("secret", &decoy), Ok(Verification::Mismatch));
}

#[test]
fn imported_bcrypt_hashes_verify_and_are_to_be_rehashed() {
    for version in ["2a", "2b", "2y"] {
        let stored = format!("${version}$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW");
        assert_eq!(verdict("secret", &stored), Ok(Verification::MatchRehash));
        assert_eq!(verdict("Secret", &stored), Ok(Verification::Mismatch));
    }
}

#[test]
fn imported_bcrypt_hashes_compare_the_first_72_bytes_and_refuse_nul() {
    let long = "$2a$04$abcdefghijklmnopqrstuuwurWIdVVT4m5pTArtqnFNM69nySdHj.";
    assert_eq!(verdict(&"y".repeat(72), long), Ok(Verification::MatchRehash));
    assert_eq!(verdict(&"y".repeat(90), long), Ok(Verification::MatchRehash));
    assert_eq!(verdict(&"y".repeat(71), long), Ok(Verification::Mismatch));
    // To bcrypt this repeats to the same key as `secret`.
    let short = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";
    assert_eq!(verdict("secret\0secret", short), Ok(Verification::Mismatch));
}

#[test]
fn imported_argon2id_hashes_verify_and_are_to_be_rehashed() {
    let stored = "$argon2id$v=19$m=64,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$buIR3cR+U1IUJ8+WyIxlnaObAbutw+YzwF0bmgUKlVY";
    assert_eq!(verdict("correct horse", stored), Ok(Verification::MatchRehash));
    assert_eq!(verdict("correct horsf", stored), Ok(Verification::Mismatch));
}

#[test]
fn hashes_that_would_hold_a_thread_for_long_are_refused() {
    let argon2 = |costs: &str| {
        format!("$argon2id$v=19${costs}$c29tZXNhbHRzb21lc2FsdA$buIR3cR+U1IUJ8+WyIxlnaObAbutw+YzwF0bmgUKlVY")
    };
    let planted = [
        "$2b$16$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW".to_owned(),
        "$2b$31$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW".to_owned(),
        "$tenantry-bcrypt-sha256$v=1$2b$16$abcdefghijklmnopqrstuu2YZyxpuwYaPasMvMDkwkEFRN4XLF75a".to_owned(),
        argon2("m=1048577,t=1,p=1"),
        argon2("m=64,t=11,p=1"),
        argon2("m=512,t=1,p=17"),
    ];
    for stored in planted {
        assert_eq!(verdict("secret", &stored), Err(UnsupportedHash), "{stored}");
    }
}

#[test]
fn c11_the_memory_that_a_hash_may_ask_for_is_the_operators_to_say() {
    let stored = "$argon2id$v=19$m=2048,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$buIR3cR+U1IUJ8+WyIxlnaObAbutw+YzwF0bmgUKlVY";
    let most = |mib| Argon2Memory::from_mib(mib).unwrap();
    assert!(!is_supported(stored, most(1)) && is_supported(stored, most(2)));
    assert_eq!(verify(current(), most(1), "secret", stored), Err(UnsupportedHash));
    assert_eq!((Argon2Memory::from_mib(0), Argon2Memory::from_mib(4_097)), (None, None));
    assert_eq!(most(1_024), GIBIBYTE);
}

#[test]
fn unknown_schemes_are_refused() {
    let unknown = [
        "",
        "secret",
        "$1$salt$digest",
        "$2x$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
        "$2b$03$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
        "$2b$04$abcdefghijklmnopqrstuu",
        "$tenantry-bcrypt-sha256$v=1$2a$04$abcdefghijklmnopqrstuu2YZyxpuwYaPasMvMDkwkEFRN4XLF75a",
        "$tenantry-bcrypt-sha256$v=2$2b$04$abcdefghijklmnopqrstuu2YZyxpuwYaPasMvMDkwkEFRN4XLF75a",
        "$argon2i$v=19$m=64,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$buIR3cR+U1IUJ8+WyIxlnaObAbutw+YzwF0bmgUKlVY",
        "$argon2id$v=16$m=64,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$buIR3cR+U1IUJ8+WyIxlnaObAbutw+YzwF0bmgUKlVY",
        "$argon2id$v=19$m=64,t=2,p=2,x=1$c29tZXNhbHRzb21lc2FsdA$buIR3cR+U1IUJ8+WyIxlnaObAbutw+YzwF0bmgUKlVY",
        "$argon2id$v=19$m=64,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$",
    ];
    for stored in unknown {
        assert_eq!(verdict("secret", stored), Err(UnsupportedHash), "{stored}");
    }
}

proptest! {
    #[test]
    fn nonsense_is_refused_without_panic(text in "(\\$(2[abxy]|argon2id\\$v=19|tenantry-bcrypt-sha256\\$v=1))?\\PC{0,80}") {
        prop_assert_eq!(verdict("secret", &text), Err(UnsupportedHash));
    }
}

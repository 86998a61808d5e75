use std::fs;
use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret;

use super::{Settings, SettingsError, Variables};

const STRONG: &str = "vJ0m3Z5s8wXhTq1nC7yKd4Lr9pEbGf2a";

fn load<const N: usize>(variables: [(&str, &str); N]) -> Result<Settings, SettingsError> {
    Settings::load_from(&Variables::from(variables), Path::new("no/such/directory"))
}

fn refusal<const N: usize>(variables: [(&str, &str); N]) -> String {
    load(variables).unwrap_err().to_string()
}

fn production<const N: usize>(variables: [(&str, &str); N]) -> Result<Settings, SettingsError> {
    let base = [("TENANTRY_ENV", "production"), ("SECRET_KEY", STRONG), ("DATABASE_URL", "postgres://app@db/tenantry")];
    let all: Variables = base.into_iter().chain(variables).collect();
    Settings::load_from(&all, Path::new("no/such/directory"))
}

/// A folder with a `development.toml` of this content.
fn folder(content: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("development.toml"), content).unwrap();
    folder
}

#[test]
fn the_defaults_alone_are_good_and_as_documented() {
    let settings = load([]).unwrap();
    assert_eq!((settings.server.host.as_str(), settings.server.port), ("127.0.0.1", 8_000));
    assert_eq!(settings.database_url().sqlite_path(), Some(Path::new("data/tenantry.db")));
    assert_eq!((settings.database.pool_size, settings.database.pool_overflow), (10, 20));
    assert_eq!(settings.auth.access_token_lifetime, Duration::from_mins(15));
    assert_eq!(settings.auth.bcrypt_cost, 12);
    assert_eq!(settings.cors.allowed_origins, ["http://localhost:3000", "http://localhost:5173"]);
    assert_eq!(settings.server.base_url(8_000), "http://127.0.0.1:8000");
}

#[test]
fn https_is_required_only_where_proxies_can_tell() {
    let required = ("TENANTRY__SERVER__REQUIRE_HTTPS", "true");
    let base_url = ("TENANTRY__SERVER__BASE_URL", "https://api.example/");
    let proxies = ("TENANTRY__SERVER__TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1,2001:db8::/32");
    for incomplete in [[required, base_url], [required, proxies]] {
        assert!(refusal(incomplete).contains("server.require_https"), "{incomplete:?}");
    }
    let settings = load([required, base_url, proxies]).unwrap();
    assert_eq!(settings.server.https_origin().as_deref(), Some("https://api.example"));
    assert_eq!(settings.server.trusted_proxies.len(), 3);
    assert_eq!(load([base_url, proxies]).unwrap().server.https_origin(), None);
    for wrong in ["10.0.0.0/33", "proxy.example", "10.0.0.0/8;"] {
        assert!(refusal([("TENANTRY__SERVER__TRUSTED_PROXIES", wrong)]).contains("trusted_proxies"), "{wrong}");
    }
}

#[test]
fn guesses_wait_by_rising_numbers() {
    for wrong in ["3:3,1:1", "1:1,1:2", "1", "1:x"] {
        assert!(refusal([("TENANTRY__GUESSING__WAITS", wrong)]).contains("guessing.waits"), "{wrong}");
    }
    let waits = load([("TENANTRY__GUESSING__WAITS", "1:2, 5:60")]).unwrap().guessing.waits;
    assert_eq!(waits.iter().map(|wait| (wait.from_guess, wait.seconds)).collect::<Vec<_>>(), [(1, 2), (5, 60)]);
}

#[test]
fn every_default_is_explained() {
    let text = include_str!("../../../../config/default.toml");
    let (mut previous, mut is_list) = ("", false);
    for line in text.lines() {
        if line.starts_with('[') {
            // What the tables of a list hold is said above the first of them.
            is_list = line.starts_with("[[");
        }
        if !is_list && line.contains(" = ") && !line.starts_with('#') {
            assert!(previous.starts_with('#'), "{line} has no comment above it");
        }
        previous = line;
    }
}

#[test]
fn later_sources_win() {
    let folder = folder("[server]\nport = 8001\nworkers = 3\n[log]\nlevel = \"warn\"\n");
    let with =
        |variables: &[(&str, &str)]| Settings::load_from(&variables.iter().copied().collect(), folder.path()).unwrap();
    let file = with(&[]);
    assert_eq!((file.server.port, file.server.workers().get(), file.log.level.as_str()), (8_001, 3, "warn"));
    let prefixed = with(&[("TENANTRY__SERVER__PORT", "8002")]);
    assert_eq!((prefixed.server.port, prefixed.server.workers().get()), (8_002, 3));
    let plain = with(&[("TENANTRY__SERVER__PORT", "8002"), ("PORT", "8003"), ("RUST_LOG", "error")]);
    assert_eq!((plain.server.port, plain.log.level.as_str()), (8_003, "error"));
    let other_profile = with(&[("TENANTRY_ENV", "test")]);
    assert_eq!(other_profile.server.port, 8_000);
}

#[test]
fn the_files_in_the_repository_are_good() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config");
    Settings::load_from(&Variables::from([]), &folder).unwrap();
    let base = [("TENANTRY_ENV", "production"), ("SECRET_KEY", STRONG), ("DATABASE_URL", "postgres://app@db/tenantry")];
    let settings = Settings::load_from(&Variables::from(base), &folder).unwrap();
    assert!(settings.server.https && settings.cors.allowed_origins.is_empty());
}

#[test]
fn the_environment_gives_lists_minutes_and_nothing() {
    let settings = load([
        ("TENANTRY__CORS__ALLOWED_ORIGINS", "https://a.example, https://b.example,"),
        ("ACCESS_TOKEN_EXPIRE_MINUTES", "30"),
        ("SECRET_KEY", ""),
    ])
    .unwrap();
    assert_eq!(settings.cors.allowed_origins, ["https://a.example", "https://b.example"]);
    assert_eq!(settings.auth.access_token_lifetime, Duration::from_mins(30));
    assert!(settings.auth.secret_key.is_none());
}

#[test]
fn a_misspelt_setting_is_named_with_its_source() {
    assert_eq!(
        refusal([("TENANTRY__JOBS__PURGE_INTERVALL_SECONDS", "5")]),
        "unknown setting jobs.purge_intervall_seconds in TENANTRY__JOBS__PURGE_INTERVALL_SECONDS; jobs has concurrent_jobs, erase_after_days, keep_failed_days, keep_finished_hours, purge_interval_seconds"
    );
    let section = refusal([("TENANTRY__SEVER__PORT", "1")]);
    assert!(
        section.starts_with("unknown setting sever.port in TENANTRY__SEVER__PORT; the sections are audit, auth, "),
        "{section}"
    );
    assert!(refusal([("TENANTRY__SERVER__PORT_FILE", "/x")]).contains("unknown setting server.port_file"));
    let folder = folder("[server]\nprot = 1\n");
    let error = Settings::load_from(&Variables::from([]), folder.path()).unwrap_err().to_string();
    assert!(error.contains("server.prot") && error.contains("development.toml"), "{error}");
}

#[test]
fn values_of_the_wrong_type_or_size_are_refused() {
    assert_eq!(refusal([("PORT", "web")]), "server.port must be a whole number, but PORT says otherwise");
    assert!(
        refusal([("PORT", "70000")]).starts_with("server.port: ")
            && refusal([("PORT", "-1")]).ends_with("out of range")
    );
    assert!(refusal([("TENANTRY__DATABASE__LOG_SQL", "on")]).contains("true or false"));
    assert_eq!(refusal([("TENANTRY__AUTH__ALGORITHM", "none")]), "auth.algorithm: must be HS256 or EdDSA");
    assert_eq!(refusal([("TENANTRY__LOG__FORMAT", "xml")]), "log.format: must be auto, json or pretty");
    let url = refusal([("DATABASE_URL", "mysql://app:hunter2@db/x")]);
    assert!(url.starts_with("database.url: ") && !url.contains("hunter2"), "{url}");
    assert!(refusal([("TENANTRY__AUTH__MIN_PASSWORD_SCORE", "5")]).contains("from 0 to 4, not 5"));
    assert!(refusal([("TENANTRY__AUTH__HASH_QUEUE_LENGTH", "0")]).contains("auth.hash_queue_length"));
    assert!(refusal([("TENANTRY__CORS__ALLOWED_ORIGINS", "*")]).contains("cors.allowed_origins"));
    assert!(refusal([("TENANTRY__SERVER__BASE_URL", "https://a.example/app")]).contains("server.base_url"));
    assert!(refusal([("TENANTRY__DATABASE__PLATFORM_URL", "postgres://p@db/x")]).contains("database.platform_url"));
    assert!(refusal([("ACCESS_TOKEN_EXPIRE_MINUTES", "-1")]).contains("minutes"));
    assert!(refusal([("TENANTRY_ENV", "prod")]).contains("TENANTRY_ENV"));
    let folder = folder("[server]\nport = 8000.5\n");
    let error = Settings::load_from(&Variables::from([]), folder.path()).unwrap_err().to_string();
    assert!(error.contains("server.port must be a whole number"), "{error}");
}

#[test]
fn production_refuses_what_is_unsafe() {
    production([]).unwrap();
    let refused = |variables: [(&str, &str); 1]| production(variables).unwrap_err().to_string();
    assert!(refused([("SECRET_KEY", "")]).contains("auth.secret_key (SECRET_KEY) is missing"));
    assert!(refused([("SECRET_KEY", "changeme-changeme-changeme-changeme")]).contains("placeholder"));
    assert!(refused([("DATABASE_URL", "sqlite://x.db")]).contains("database.allow_sqlite"));
    assert!(refused([("TENANTRY__AUTH__BCRYPT_COST", "11")]).contains("auth.bcrypt_cost"));
    let asked = [("DATABASE_URL", "sqlite://x.db"), ("TENANTRY__DATABASE__ALLOW_SQLITE", "true")];
    assert!(production(asked).unwrap().database_url().is_sqlite());
}

#[test]
fn logs_are_json_in_production_unless_told_otherwise() {
    let json = |settings: &Settings| settings.log.is_json(settings.profile);
    assert!(json(&production([]).unwrap()));
    assert!(!json(&production([("TENANTRY__LOG__FORMAT", "pretty")]).unwrap()));
    assert!(!json(&load([]).unwrap()));
}

#[test]
fn secrets_and_urls_come_from_files_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    fs::write(&path, format!("{STRONG}\n")).unwrap();
    let path = path.to_str().unwrap();
    let previous = folder.path().join("previous");
    fs::write(&previous, "the secret of the year before, which was long\n").unwrap();
    let files = [
        ("SECRET_KEY_FILE", path),
        ("TENANTRY__METRICS__TOKEN_FILE", path),
        ("SECRET_KEY_PREVIOUS_FILE", previous.to_str().unwrap()),
    ];
    let settings = load(files).unwrap();
    let read = settings.auth.previous_secret_key.as_ref().unwrap().expose_secret();
    assert_eq!(read, "the secret of the year before, which was long");
    assert_eq!(settings.secret_key().unwrap().expose_secret(), STRONG);
    assert_eq!(settings.metrics.token.unwrap().expose_secret(), STRONG);
    assert!(refusal([("SECRET_KEY_FILE", path), ("SECRET_KEY", STRONG)]).contains("keep one"));
    assert!(refusal([("DATABASE_URL_FILE", "/no/such/file")]).contains("/no/such/file"));
}

#[test]
fn the_previous_secret_is_another_one() {
    let refused = refusal([("SECRET_KEY", STRONG), ("SECRET_KEY_PREVIOUS", STRONG)]);
    assert!(refused.starts_with("auth.previous_secret_key (SECRET_KEY_PREVIOUS) is auth.secret_key"), "{refused}");
    assert!(load([("SECRET_KEY", STRONG)]).unwrap().auth.previous_secret_key.is_none());
}

#[test]
fn breached_passwords_are_looked_up_where_the_operator_says() {
    assert_eq!(load([]).unwrap().auth.breached_passwords_url, None);
    let name = "TENANTRY__AUTH__BREACHED_PASSWORDS_URL";
    let url = "https://api.pwnedpasswords.com/range";
    assert_eq!(load([(name, url)]).unwrap().auth.breached_passwords_url.as_deref(), Some(url));
    for wrong in ["api.pwnedpasswords.com", "ftp://a.example/range", "https://a.example/range?x=1"] {
        assert!(refusal([(name, wrong)]).contains("auth.breached_passwords_url"), "{wrong}");
    }
}

#[test]
fn no_secret_is_shown() {
    let secrets = [
        ("SECRET_KEY_PREVIOUS", "hunter2 of the year before, which was long"),
        ("SECRET_KEY", STRONG),
        ("DATABASE_URL", "postgres://app:hunter2@db/tenantry"),
        ("TENANTRY__DATABASE__MIGRATION_URL", "postgres://owner:hunter2@db/tenantry"),
        ("TENANTRY__METRICS__TOKEN", "hunter2hunter2hunter2"),
    ];
    let settings = load(secrets).unwrap();
    for shown in [format!("{settings:?}"), format!("{settings:#?}"), settings.listing().to_string()] {
        assert!(!shown.contains("hunter2") && !shown.contains(STRONG), "{shown}");
        assert!(shown.contains("***@db:5432/tenantry"), "{shown}");
    }
    assert!(settings.listing().to_string().contains("# SECRET_KEY"));
}

#[test]
fn a_broken_file_is_named_without_quoting_it() {
    let folder = folder("[auth]\nsecret_key = \"hunter2\nx = 1\n");
    let error = Settings::load_from(&Variables::from([]), folder.path()).unwrap_err().to_string();
    assert!(error.contains("development.toml") && error.contains("line 2") && !error.contains("hunter2"), "{error}");
}

/// A provider that lacks nothing.
const CHAT: [(&str, &str); 5] = [
    ("TENANTRY__READINGS__PROVIDER", "chat"),
    ("TENANTRY__READINGS__BASE_URL", "http://127.0.0.1:1/v1"),
    ("TENANTRY__READINGS__MODEL", "seer"),
    ("TENANTRY__READINGS__PRICE_PROMPT", "0.15"),
    ("TENANTRY__READINGS__PRICE_COMPLETION", "0.6"),
];

#[test]
fn m10_a_model_without_a_provider_or_a_price_is_refused() {
    assert!(load(CHAT).is_ok());
    for (missing, setting) in
        [(1, "readings.base_url"), (2, "readings.model"), (3, "readings.prices"), (4, "readings.prices")]
    {
        let variables: Variables =
            CHAT.into_iter().enumerate().filter(|(place, _)| *place != missing).map(|(_, variable)| variable).collect();
        let refused = Settings::load_from(&variables, Path::new("no/such/directory")).unwrap_err().to_string();
        assert!(refused.contains(setting), "{refused}");
    }
    let fallback = |text| refusal([("TENANTRY__READINGS__FALLBACKS", text)]);
    assert!(fallback("nowhere:seer").contains("there is no provider nowhere"), "{}", fallback("nowhere:seer"));
    assert!(fallback("offline:other").contains("other of offline has no price"), "{}", fallback("offline:other"));
    assert!(fallback("seer").contains("PROVIDER:MODEL"));
    for wrong in ["-1", "1e3", "a"] {
        assert!(refusal([("TENANTRY__READINGS__PRICE_PROMPT", wrong)]).contains("readings.price_prompt"), "{wrong}");
    }
}

#[test]
fn m8_advisors_and_providers_come_from_a_file_and_are_shown_to_nobody() {
    let folder = folder(
        r#"
        [readings]
        api_key = "sk-of-the-first"
        fallbacks = ["second:seer"]
        [[readings.providers]]
        name = "second"
        kind = "responses"
        base_url = "https://seer.example/v1"
        api_key = "sk-of-the-second"
        [[readings.prices]]
        provider = "second"
        model = "seer"
        from = "2026-01-01"
        prompt = "1"
        completion = "2"
        call = "0.005"
        [[readings.advisors]]
        id = "pythia"
        name = "Pythia"
        title = "Voice of Delphi"
        description = ""
        instructions = "Be ambiguous."
        temperature = 1.5
        models = ["second:seer"]
        "#,
    );
    let settings = Settings::load_from(&Variables::from([]), folder.path()).unwrap();
    let catalogue = settings.readings.catalogue().unwrap();
    assert_eq!(catalogue.advisors.len(), 1);
    assert_eq!(catalogue.own_routes.len(), 2);
    let shown = format!("{}{settings:?}{:?}", settings.listing(), settings.readings.catalogue());
    for secret in ["sk-of-the-first", "sk-of-the-second", "ambiguous"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

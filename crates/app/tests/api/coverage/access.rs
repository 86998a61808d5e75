//! Who may call what: the committed table says what everybody is answered, for every operation of the contract.

use std::collections::BTreeMap;
use std::fs;

use chrono::{DateTime, Duration, Utc};
use secrecy::SecretString;
use serde_json::json;
use tenantry_credentials::{DerivedKeys, JwtAccessTokens};
use tenantry_identity::ports::AccessTokens as _;
use tenantry_tenancy::Role;

use crate::answer::Answer;
use crate::contract::{Operation, operations};
use crate::fixture::Fixture;
use crate::on_both_databases;
use crate::person::Person;
use crate::site::{SECRET, Site};

/// One line for each operation, with one column for each of [`Actor`].
const TABLE: &str = include_str!("access.txt");

/// Where the test leaves a table that differs, to be looked at and committed.
const ANSWERED: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/access.txt");

/// Who sends an operation's request about the owner's things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Actor {
    /// Without credentials.
    Nobody,
    /// The owner, with a token that has expired.
    Expired,
    /// An owner of another organisation, who names this one.
    Intruder,
    /// The same who does not. A success must be about their own things.
    Stranger,
    /// An API key of the owner's with every scope but the one that is needed.
    Key,
    Guest,
    Member,
    Admin,
    /// An administrator of the platform, who is a stranger to the organisation.
    Platform,
    Owner,
}

impl Actor {
    /// Those who must change nothing come first.
    const ALL: [Self; 10] = [
        Self::Nobody,
        Self::Expired,
        Self::Intruder,
        Self::Stranger,
        Self::Key,
        Self::Guest,
        Self::Member,
        Self::Admin,
        Self::Platform,
        Self::Owner,
    ];

    fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// Whether the owner's things are none of theirs.
    fn is_outside(self) -> bool {
        matches!(self, Self::Nobody | Self::Expired | Self::Intruder | Self::Stranger)
    }

    async fn send(self, fixture: &Fixture<'_>, operation: &Operation) -> Answer {
        let Fixture { site, owner, .. } = fixture;
        let person = match self {
            Self::Nobody => return fixture.request(operation, |ask| ask).await,
            Self::Expired => owner.with_token(&minted(&owner.access_token, SECRET, Duration::minutes(-16)).await),
            Self::Intruder => site.newcomer().await.within(&owner.own_organization),
            Self::Stranger => site.newcomer().await,
            Self::Key => key_without_scope(owner, operation).await,
            Self::Guest => owner.hire(Role::Guest).await,
            Self::Member => owner.hire(Role::Member).await,
            Self::Admin => owner.hire(Role::Admin).await,
            Self::Platform => fixture.administrator.clone(),
            Self::Owner => owner.clone(),
        };
        fixture.request(operation, |ask| person.authorize(ask)).await
    }
}

async fn key_without_scope<'s>(owner: &Person<'s>, operation: &Operation) -> Person<'s> {
    let wanted = operation.api_scope.as_deref().and_then(|scope| scope.split_once(':')).map(|(resource, _)| resource);
    let scopes: Vec<String> = match wanted {
        // No scope is enough.
        None => vec!["*".to_owned()],
        Some(wanted) => ["audit", "organizations", "projects", "tasks", "users"]
            .iter()
            .filter(|resource| **resource != wanted)
            .map(|resource| format!("{resource}:write"))
            .collect(),
    };
    let key = owner.post("/auth/api-keys", json!({"name": "short of one", "scopes": scopes})).await.expect(201);
    owner.with_token(key["key"].as_str().unwrap())
}

/// What the committed table says, by the operation's name.
fn table() -> BTreeMap<String, Vec<u16>> {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let name = [words.next().unwrap(), words.next().unwrap()].join(" ");
        (name, words.map(|status| status.parse().unwrap()).collect())
    };
    TABLE.lines().skip(1).map(line).collect()
}

fn written(rows: &BTreeMap<String, Vec<u16>>) -> String {
    let width = rows.keys().map(String::len).max().unwrap_or_default();
    let line = |name: &str, cells: Vec<String>| {
        let row = cells.iter().fold(format!("{name:width$}"), |row, cell| row + &format!("{cell:>9}"));
        row + "\n"
    };
    let head = line("operation", Actor::ALL.map(Actor::name).to_vec());
    let body = rows.iter().map(|(name, row)| line(name, row.iter().map(u16::to_string).collect()));
    head + &body.collect::<String>()
}

/// What the owner is answered.
pub fn of_owner(operation: &Operation) -> u16 {
    let position = Actor::ALL.iter().position(|actor| *actor == Actor::Owner).unwrap();
    table()[&operation.name()][position]
}

#[test]
fn the_table_of_access_has_every_operation_and_keeps_strangers_out() {
    let table = table();
    assert_eq!(table.len(), operations().len());
    for operation in operations() {
        let row = &table[&operation.name()];
        let of = |actor: Actor| row[Actor::ALL.iter().position(|other| *other == actor).unwrap()];
        if operation.public {
            continue;
        }
        let refused = [Actor::Nobody, Actor::Expired, Actor::Intruder, Actor::Key].map(of);
        assert_eq!(refused, [401, 401, 404, 403], "{}", operation.name());
        if operation.is_of_platform() {
            let others = [Actor::Stranger, Actor::Guest, Actor::Member, Actor::Admin, Actor::Owner];
            assert!(others.iter().all(|other| of(*other) == 403), "{}", operation.name());
        }
    }
}

on_both_databases!(
    everybody_is_answered_as_the_table_says,
    credentials_are_asked_for_before_anything_else,
    bad_tokens_are_told_apart_from_expired_ones,
);

async fn everybody_is_answered_as_the_table_says(site: &Site) {
    let mut rows = BTreeMap::new();
    for operation in operations() {
        let mut fixture = Fixture::of(site).await;
        let mut row = Vec::new();
        for actor in Actor::ALL {
            let answer = actor.send(&fixture, &operation).await;
            row.push(answer.status);
            if answer.status >= 400 {
                answer.problem();
            }
            if operation.public {
                continue;
            }
            if actor.is_outside() || (actor == Actor::Platform && !operation.is_of_platform()) {
                fixture.check_untouched_by(&answer).await;
            } else if answer.status < 300 && operation.method != "GET" {
                fixture = Fixture::of(site).await;
            }
        }
        rows.insert(operation.name(), row);
    }
    let committed = table();
    if written(&rows) != TABLE {
        fs::write(ANSWERED, written(&rows)).unwrap();
    }
    let differs = |(name, row): &(&String, &Vec<u16>)| committed.get(*name) != Some(row);
    let differing: Vec<_> = rows.iter().filter(differs).map(|(name, row)| (name, row, committed.get(name))).collect();
    assert!(differing.is_empty(), "answered ({ANSWERED}), and said by the table: {differing:#?}");
    assert!(written(&rows) == TABLE, "the table should be as in {ANSWERED}");
}

async fn credentials_are_asked_for_before_anything_else(site: &Site) {
    for operation in operations().iter().filter(|operation| !operation.public) {
        let garbage = site.at(&operation.method, &operation.path_to("no-uuid")).raw("{").send().await;
        garbage.refused(401, "UNAUTHENTICATED");
    }
}

async fn bad_tokens_are_told_apart_from_expired_ones(site: &Site) {
    let fixture = Fixture::of(site).await;
    let token = &fixture.owner.access_token;
    let (start, signature) = token.rsplit_once('.').unwrap();
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", start.split_once('.').unwrap().1);
    let tokens = [
        ("TOKEN_EXPIRED", minted(token, SECRET, Duration::minutes(-16)).await),
        ("TOKEN_INVALID", minted(token, "another-secret-of-32-characters-1", Duration::zero()).await),
        ("TOKEN_INVALID", format!("{start}.A{signature}")),
        ("TOKEN_INVALID", unsigned),
        ("TOKEN_INVALID", fixture.owner.refresh_token.clone()),
        ("TOKEN_INVALID", "garbage".to_owned()),
    ];
    for operation in operations().iter().filter(|operation| !operation.public) {
        for (code, token) in &tokens {
            let answer = fixture.request(operation, |ask| ask.bearer(token)).await;
            answer.refused(401, code);
            assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""), "{answer}");
        }
    }
    fixture.owner.get("/users/me").await.expect(200);
}

/// The token again, made with this secret and shifted in time.
async fn minted(token: &str, secret: &str, shift: Duration) -> String {
    let mint = |secret: &str| {
        JwtAccessTokens::by_secret(&DerivedKeys::derive(&SecretString::from(secret), None), "tenantry", "tenantry")
    };
    let mut claims = mint(SECRET).verify(token, DateTime::<Utc>::UNIX_EPOCH).await.unwrap();
    claims.issued_at += shift;
    claims.expires_at += shift;
    mint(secret).issue(&claims)
}

//! Who may call what.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};
use secrecy::SecretString;
use tenantry_credentials::{DerivedKeys, JwtAccessTokens};
use tenantry_identity::ports::AccessTokens as _;
use tenantry_tenancy::Role;

use crate::contract::{Operation, operations};
use crate::fixture::Fixture;
use crate::on_both_databases;
use crate::site::{SECRET, Site};

/// What an operation that needs credentials answers, and to whom.
struct Expectation {
    /// Method and path.
    operation: &'static str,
    /// Somebody of another organisation. Where that is a success it must be about their own things.
    stranger: u16,
    /// A guest of the organisation.
    guest: u16,
    /// Its owner.
    owner: u16,
}

#[rustfmt::skip]
const PROTECTED: &[Expectation] = {
    const fn of(operation: &'static str, [stranger, guest, owner]: [u16; 3]) -> Expectation {
        Expectation { operation, stranger, guest, owner }
    }
    &[
        of("POST /api/v1/auth/logout",            [200, 200, 200]),
        of("GET /api/v1/auth/me",                 [200, 200, 200]),
        of("GET /api/v1/auth/sessions",           [200, 200, 200]),
        of("DELETE /api/v1/auth/sessions/{id}",   [404, 404, 204]),
        of("GET /api/v1/auth/api-keys",           [200, 200, 200]),
        of("POST /api/v1/auth/api-keys",          [201, 201, 201]),
        of("DELETE /api/v1/auth/api-keys/{id}",   [404, 404, 204]),
        of("POST /api/v1/auth/totp/enroll",       [200, 200, 200]),
        of("POST /api/v1/auth/totp/confirm",      [409, 409, 409]),
        of("POST /api/v1/auth/totp/disable",      [409, 409, 409]),
        of("GET /api/v1/users/me",                [200, 200, 200]),
        of("GET /api/v1/users/profile",           [200, 200, 200]),
        of("PUT /api/v1/users/me",                [200, 200, 200]),
        of("PATCH /api/v1/users/me",              [200, 200, 200]),
        of("DELETE /api/v1/users/me",             [204, 204, 204]),
        of("GET /api/v1/users",                   [200, 403, 200]),
        of("POST /api/v1/users",                  [201, 403, 201]),
        of("GET /api/v1/users/{id}",              [404, 403, 200]),
        of("PUT /api/v1/users/{id}",              [404, 403, 200]),
        of("PATCH /api/v1/users/{id}",            [404, 403, 200]),
        // Nobody deletes themself there.
        of("DELETE /api/v1/users/{id}",           [404, 403, 409]),
        of("GET /api/v1/organizations",           [200, 200, 200]),
        of("POST /api/v1/organizations",          [201, 201, 201]),
        of("GET /api/v1/organizations/{id}",      [404, 200, 200]),
        of("PUT /api/v1/organizations/{id}",      [404, 403, 200]),
        of("PATCH /api/v1/organizations/{id}",    [404, 403, 200]),
        of("DELETE /api/v1/organizations/{id}",   [404, 403, 204]),
        of("GET /api/v1/companies",               [200, 200, 200]),
        of("POST /api/v1/companies",              [201, 201, 201]),
        of("GET /api/v1/companies/{id}",          [404, 200, 200]),
        of("PUT /api/v1/companies/{id}",          [404, 403, 200]),
        of("PATCH /api/v1/companies/{id}",        [404, 403, 200]),
        of("DELETE /api/v1/companies/{id}",       [404, 403, 204]),
        of("GET /api/v1/organizations/{id}/members", [404, 403, 200]),
        of("PATCH /api/v1/organizations/{id}/members/{user_id}", [404, 403, 200]),
        // The last owner stays.
        of("DELETE /api/v1/organizations/{id}/members/{user_id}", [404, 403, 409]),
        of("GET /api/v1/companies/{id}/members",  [404, 403, 200]),
        of("PATCH /api/v1/companies/{id}/members/{user_id}", [404, 403, 200]),
        of("DELETE /api/v1/companies/{id}/members/{user_id}", [404, 403, 409]),
        of("GET /api/v1/organizations/{id}/invitations", [404, 403, 200]),
        of("POST /api/v1/organizations/{id}/invitations", [404, 403, 201]),
        of("DELETE /api/v1/organizations/{id}/invitations/{invitation_id}", [404, 403, 204]),
        of("GET /api/v1/projects",                [200, 200, 200]),
        of("POST /api/v1/projects",               [201, 403, 201]),
        of("GET /api/v1/projects/{id}",           [404, 200, 200]),
        of("PUT /api/v1/projects/{id}",           [404, 403, 200]),
        of("PATCH /api/v1/projects/{id}",         [404, 403, 200]),
        of("DELETE /api/v1/projects/{id}",        [404, 403, 204]),
        of("GET /api/v1/audit-log",               [200, 403, 200]),
        of("GET /api/v1/tasks",                   [200, 200, 200]),
        of("POST /api/v1/tasks",                  [201, 403, 201]),
        of("GET /api/v1/tasks/{id}",              [404, 403, 200]),
        of("PUT /api/v1/tasks/{id}",              [404, 403, 200]),
        of("PATCH /api/v1/tasks/{id}",            [404, 403, 200]),
        of("DELETE /api/v1/tasks/{id}",           [404, 403, 204]),
        of("PATCH /api/v1/tasks/{id}/complete",   [404, 403, 200]),
    ]
};

/// What the owner is answered.
pub fn of_owner(operation: &Operation) -> u16 {
    PROTECTED.iter().find(|known| known.operation == operation.name()).unwrap().owner
}

/// Operations for everybody, and what nobody in particular is answered.
const PUBLIC: [(&str, u16); 22] = [
    ("GET /", 200),
    ("GET /.well-known/jwks.json", 200),
    ("POST /api/v1/auth/login", 200),
    ("POST /api/v1/auth/signin", 200),
    ("POST /api/v1/auth/email/resend", 202),
    ("POST /api/v1/auth/email/verify", 422),
    ("POST /api/v1/auth/password/forgot", 202),
    ("POST /api/v1/auth/password/reset", 422),
    ("POST /api/v1/auth/refresh", 200),
    ("POST /api/v1/auth/register", 200),
    ("POST /api/v1/auth/signup", 201),
    ("POST /api/v1/auth/totp/challenge", 401),
    ("GET /api/v1/health", 200),
    ("GET /api/v1/health/db", 200),
    ("GET /health", 200),
    ("GET /health/db", 200),
    ("GET /health/live", 200),
    ("GET /health/ready", 200),
    ("GET /api/v1/invitations/{token}", 404),
    ("POST /api/v1/invitations/{token}/accept", 404),
    ("GET /metrics", 200),
    ("GET /problems/{slug}", 200),
];

#[test]
fn every_operation_has_an_expectation_and_every_expectation_an_operation() {
    let operations = operations();
    let names = |public: bool| -> BTreeSet<String> {
        operations.iter().filter(|operation| operation.public == public).map(Operation::name).collect()
    };
    assert_eq!(PROTECTED.iter().map(|known| known.operation.to_owned()).collect::<BTreeSet<_>>(), names(false));
    assert_eq!(PUBLIC.iter().map(|(name, _)| (*name).to_owned()).collect::<BTreeSet<_>>(), names(true));
}

on_both_databases!(
    nobody_is_let_in_but_where_everybody_is,
    bad_tokens_are_told_apart_from_expired_ones,
    another_tenant_sees_nothing_of_ours,
    guests_may_do_less_than_owners,
);

async fn nobody_is_let_in_but_where_everybody_is(site: &Site) {
    let fixture = Fixture::of(site).await;
    for operation in operations() {
        let expected = PUBLIC.iter().find(|(name, _)| *name == operation.name());
        let sent = fixture.request(&operation, |ask| ask).await;
        match expected {
            Some((_, status)) => assert_eq!(sent.status, *status, "{sent}"),
            None => drop(sent.refused(401, "UNAUTHENTICATED")),
        }
        if expected.is_none() {
            // Whatever else is wrong with the request.
            let garbage = site.at(&operation.method, &operation.path_to("no-uuid")).raw("{").send().await;
            garbage.refused(401, "UNAUTHENTICATED");
        }
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

async fn another_tenant_sees_nothing_of_ours(site: &Site) {
    for operation in operations().iter().filter(|operation| !operation.public) {
        let fixture = Fixture::of(site).await;
        let expected = PROTECTED.iter().find(|known| known.operation == operation.name()).unwrap();
        let intruder = site.newcomer().await.within(&fixture.owner.own_organization);
        let answer = fixture.request(operation, |ask| intruder.authorize(ask)).await;
        // Whoever names an organisation that they don't belong to gets nowhere.
        assert_eq!(answer.status, 404, "intruder: {answer}");
        fixture.check_untouched_by(&answer).await;

        let stranger = site.newcomer().await;
        let answer = fixture.request(operation, |ask| stranger.authorize(ask)).await;
        assert_eq!(answer.status, expected.stranger, "stranger: {answer}");
        fixture.check_untouched_by(&answer).await;
    }
}

async fn guests_may_do_less_than_owners(site: &Site) {
    for operation in operations().iter().filter(|operation| !operation.public) {
        let fixture = Fixture::of(site).await;
        let expected = PROTECTED.iter().find(|known| known.operation == operation.name()).unwrap();
        let guest = fixture.owner.hire(Role::Guest).await;
        let answer = fixture.request(operation, |ask| guest.authorize(ask)).await;
        assert_eq!(answer.status, expected.guest, "guest: {answer}");
        if answer.status == 403 {
            answer.refused(403, "FORBIDDEN");
        }

        let fixture = Fixture::of(site).await;
        let answer = fixture.request(operation, |ask| fixture.owner.authorize(ask)).await;
        assert_eq!(answer.status, expected.owner, "owner: {answer}");
    }
}

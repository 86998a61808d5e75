//! A node is killed in the middle of sign-ups: of each there is everything or nothing, and what was answered is there.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use futures_util::future::join_all;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::binary::{FAST, Server};
use crate::database::Database;
use crate::site::{PASSWORD, SECRET, Site};

const ROUNDS: usize = 12;

const CLIENTS: usize = 8;

/// Rows that a sign-up stores together with others, where those are missing.
const HALVES: [&str; 8] = [
    "users WHERE NOT EXISTS (SELECT 1 FROM credentials WHERE user_id = users.id)",
    "users WHERE NOT EXISTS (SELECT 1 FROM memberships WHERE user_id = users.id)",
    "users WHERE NOT EXISTS (SELECT 1 FROM audit_log WHERE action = 'user.signup' AND target_id = users.id)",
    "organizations WHERE NOT EXISTS (SELECT 1 FROM memberships WHERE organization_id = organizations.id AND role = 'OWNER')",
    "memberships WHERE NOT EXISTS (SELECT 1 FROM users WHERE id = memberships.user_id)",
    "memberships WHERE NOT EXISTS (SELECT 1 FROM organizations WHERE id = memberships.organization_id)",
    "credentials WHERE NOT EXISTS (SELECT 1 FROM users WHERE id = credentials.user_id)",
    "sessions WHERE NOT EXISTS (SELECT 1 FROM users WHERE id = sessions.user_id)",
];

#[tokio::test]
async fn the_other_node_finds_whole_sign_ups_when_one_is_killed() {
    let Some(database) = Database::postgres().await else { return };
    let other = serve(&database);
    kill_again_and_again(database, Some(other)).await;
}

#[tokio::test]
async fn a_killed_node_finds_whole_sign_ups_when_it_is_back() {
    kill_again_and_again(Database::sqlite().await, None).await;
}

fn serve(database: &Database) -> Server {
    let database = database.variables();
    let mut variables = FAST.to_vec();
    variables.extend([
        ("SECRET_KEY", SECRET),
        ("TENANTRY__DATABASE__MIGRATE_ON_START", "false"),
        ("TENANTRY__RATE_LIMIT__PER_ADDRESS_PER_MINUTE", "0"),
        ("TENANTRY__RATE_LIMIT__SIGN_IN_PER_ADDRESS_PER_MINUTE", "0"),
        // Whoever looks for a sign-up that is not there seems to guess.
        ("TENANTRY__GUESSING__WAITS", "1:0"),
        ("TENANTRY__GUESSING__PER_ADDRESS_PER_HOUR", "0"),
    ]);
    variables.extend(database.iter().map(|(name, value)| (*name, value.as_str())));
    Server::start(tempfile::tempdir().unwrap(), &variables)
}

/// The other node looks at what is there, or else the killed one when it is back.
async fn kill_again_and_again(database: Database, other: Option<Server>) {
    let mut rng = Rng::new();
    let (mut answered, mut unanswered) = (0, 0);
    for round in 0..ROUNDS {
        let node = serve(&database);
        let sent = sign_up_until_killed(node, round, &mut rng).await;
        let back = other.is_none().then(|| serve(&database));
        let witness = other.as_ref().or(back.as_ref()).unwrap();
        join_all(sent.iter().map(|(name, was_answered)| find_whole(witness, name, *was_answered))).await;
        let told = sent.iter().filter(|(_, was_answered)| *was_answered).count();
        (answered, unanswered) = (answered + told, unanswered + sent.len() - told);
    }
    assert!(answered > ROUNDS && unanswered > ROUNDS, "too few: {answered} answered, {unanswered} not");
    drop(other);
    let site = Site::start(Arc::new(database), &[]).await;
    for half in HALVES {
        assert_eq!(site.rows(half).await, 0, "{half}");
    }
    site.stop().await;
}

/// Who tried to sign up, and whether they were told that they had.
async fn sign_up_until_killed(node: Server, round: usize, rng: &mut Rng) -> Vec<(String, bool)> {
    let client = tenantry_testkit::http_client();
    let url = format!("{}/api/v1/auth/signup", node.address);
    let answered = Cell::new(0);
    let clients = (0..CLIENTS).map(|number| sign_up_in_turn(&client, &url, format!("r{round}-{number}"), &answered));
    let kill = async {
        let (enough, asked) = (rng.u32(..=10), Instant::now());
        while answered.get() < enough {
            assert!(asked.elapsed() < Duration::from_mins(1), "the node hangs");
            sleep(Duration::from_millis(1)).await;
        }
        sleep(Duration::from_micros(rng.u64(..30_000))).await;
        node.signal("KILL");
    };
    let (sent, ()) = tokio::join!(join_all(clients), kill);
    node.end();
    sent.into_iter().flatten().collect()
}

/// One sign-up after the other until one is not answered.
async fn sign_up_in_turn(client: &Client, url: &str, stem: String, answered: &Cell<u32>) -> Vec<(String, bool)> {
    let mut sent = Vec::new();
    loop {
        let name = format!("{stem}-{}", sent.len());
        let answer = match client.post(url).json(&account(&name)).send().await {
            Ok(response) => Some((response.status(), response.bytes().await)),
            Err(_) => None,
        };
        let Some((status, Ok(_))) = answer else {
            sent.push((name, false));
            return sent;
        };
        assert_eq!(status, 201, "{name}");
        answered.set(answered.get() + 1);
        sent.push((name, true));
    }
}

fn account(name: &str) -> Value {
    json!({"email": format!("{name}@example.com"), "username": name, "password": PASSWORD})
}

/// Fails unless the sign-up is there as a whole or not at all. Nobody of this name is missing afterwards.
async fn find_whole(witness: &Server, name: &str, was_answered: bool) {
    let login = json!({"username": name, "password": PASSWORD});
    let login = async || witness.send("POST", "/api/v1/auth/login", "", Some(&login)).await;
    let mut found = login().await;
    if found.status != 200 {
        assert!(!was_answered, "{name} was told to be there: {found}");
        let again = witness.send("POST", "/api/v1/auth/signup", "", Some(&account(name))).await;
        // The database may have got around to the commit only now.
        assert!(matches!(again.status, 201 | 409), "{again}");
        found = login().await;
    }
    let found = found.expect(200);
    let (token, id) = (found["access_token"].as_str().unwrap(), &found["user"]["id"]);
    let members = format!("/api/v1/organizations/{}/members", found["organization"]["id"].as_str().unwrap());
    let members = witness.send("GET", &members, token, None).await.expect(200);
    let member = &members["data"][0];
    assert_eq!((&members["total"], &member["user_id"], &member["role"]), (&json!(1), id, &json!("OWNER")), "{members}");
    let log = witness.send("GET", "/api/v1/audit-log?action=user.signup", token, None).await.expect(200);
    assert_eq!((&log["total"], &log["data"][0]["target_id"]), (&json!(1), id), "{log}");
}

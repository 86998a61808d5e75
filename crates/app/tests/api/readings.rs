//! Advisors, budgets and readings.

mod advisors;
mod asking;
mod lists;
mod money;
pub mod oracle;
mod repeats;
mod rights;
mod streams;

use std::future::Future;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use self::oracle::Oracle;
use crate::person::Person;
use crate::site::Site;
use crate::sync::with_worker;

/// Does something at another node of the site, whose advisors ask the oracle and whose workers work.
async fn with_oracle(site: &Site, more: &[(&'static str, &str)], work: impl AsyncFnOnce(&Site, &Oracle)) {
    let oracle = Oracle::start().await;
    let mut settings = vec![
        ("TENANTRY__READINGS__PROVIDER", "chat"),
        ("TENANTRY__READINGS__BASE_URL", oracle.address.as_str()),
        ("TENANTRY__READINGS__API_KEY", oracle::KEY),
        ("TENANTRY__READINGS__MODEL", "seer"),
        ("TENANTRY__READINGS__PRICE_PROMPT", "1"),
        ("TENANTRY__READINGS__PRICE_COMPLETION", "2"),
        ("TENANTRY__READINGS__ATTEMPTS", "1"),
        ("TENANTRY__READINGS__FIRST_PIECE_TIMEOUT_SECONDS", "2"),
    ];
    settings.extend(more);
    let other = site.another(&settings).await;
    with_worker(&other, work(&other, &oracle)).await;
    other.stop().await;
}

fn question(text: &str) -> Value {
    json!({"advisor": "legba", "question": text})
}

fn path_of(reading: &Value) -> String {
    format!("/readings/{}", reading["id"].as_str().unwrap_or_else(|| panic!("{reading}")))
}

/// The person's latest reading, once there is one that is being answered.
async fn answered_now(person: &Person<'_>) -> Value {
    until(async || {
        let list = person.get("/readings?status=streaming").await.expect(200);
        list["data"].get(0).cloned()
    })
    .await
}

/// What `look` finds in the end.
async fn until<T, F: Future<Output = Option<T>>>(look: impl Fn() -> F) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "it does not come to that");
        sleep(Duration::from_millis(20)).await;
    }
}

/// An event of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Event {
    id: String,
    name: String,
    data: Value,
    /// All of it, as it was sent.
    text: String,
}

/// The events of a stream, and that it consists of nothing else but comments.
fn events(text: &str) -> Vec<Event> {
    let mut events = Vec::new();
    for part in text.split_inclusive("\n\n").filter(|part| !part.starts_with(':')) {
        let lines: Vec<&str> = part.lines().collect();
        let [id, name, data, ""] = lines[..] else { panic!("{part:?} in {text}") };
        let value = |line: &str, name: &str| line.strip_prefix(name).unwrap_or_else(|| panic!("{line}")).to_owned();
        events.push(Event {
            id: value(id, "id: "),
            name: value(name, "event: "),
            data: serde_json::from_str(&value(data, "data: ")).unwrap(),
            text: part.to_owned(),
        });
    }
    events
}

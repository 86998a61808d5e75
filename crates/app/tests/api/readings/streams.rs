//! M11: answers as they come.

use std::time::{Duration, Instant};

use reqwest::Response;
use serde_json::json;
use tokio::join;

use super::oracle::ANSWER;
use super::{answered_now, events, path_of, question, until, with_oracle};
use crate::on_both_databases;
use crate::person::Person;
use crate::site::Site;

on_both_databases!(
    m11_an_answer_is_streamed_and_replayed_byte_by_byte,
    m11_whoever_comes_back_in_the_middle_misses_nothing,
    m11_what_fails_and_what_is_cancelled_says_so,
    m11_bad_ids_of_events_are_refused,
    m11_an_answer_that_nobody_listens_to_is_cancelled_if_so_wanted,
    m11_an_organization_has_a_limited_number_of_streams,
);

async fn replay(person: &Person<'_>, path: &str, after: Option<&str>) -> String {
    let ask = person.ask("GET", &format!("{path}/stream"));
    let answer = match after {
        Some(id) => ask.header("last-event-id", id).send().await,
        None => ask.send().await,
    };
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/event-stream"), "{answer}");
    answer.text()
}

/// Reads until so many events have come.
async fn read(response: &mut Response, count: usize) -> String {
    let mut text = String::new();
    while text.matches("\n\n").count() < count {
        text.push_str(std::str::from_utf8(&response.chunk().await.unwrap().expect("more events")).unwrap());
    }
    text
}

/// Every place to come back to gives what is behind it, the same bytes.
async fn check_replays(person: &Person<'_>, path: &str, whole: &str) {
    assert_eq!(replay(person, path, None).await, whole);
    let events = events(whole);
    for (place, event) in events.iter().enumerate() {
        let rest: String = events[place + 1..].iter().map(|event| event.text.as_str()).collect();
        assert_eq!(replay(person, path, Some(&event.id)).await, rest, "behind {}", event.id);
    }
}

async fn m11_an_answer_is_streamed_and_replayed_byte_by_byte(site: &Site) {
    with_oracle(site, &[], async |site, oracle| {
        let ada = site.newcomer().await;
        let answer = ada.post("/readings/stream", question("Which way?")).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "text/event-stream"), "{answer}");
        assert_eq!(answer.header("cache-control"), "no-store, no-transform");
        assert_eq!((answer.header("x-accel-buffering"), answer.header("content-encoding")), ("no", "identity"));
        let text = answer.text();
        let events = events(&text);
        let ids: Vec<_> = events.iter().map(|event| event.id.parse::<usize>().unwrap()).collect();
        assert_eq!(ids, (0..events.len()).collect::<Vec<_>>());
        let of =
            |name: &str| events.iter().filter(|event| event.name == name).map(|event| &event.data).collect::<Vec<_>>();
        let deltas: String = of("delta").iter().map(|data| data["text"].as_str().unwrap()).collect();
        assert_eq!(deltas, ANSWER.concat());
        assert_eq!(of("citation").len(), 2, "{text}");
        let (first, last) = (&events[0], &events[events.len() - 1]);
        assert_eq!((first.name.as_str(), &first.data["status"]), ("reading", &json!("pending")));
        assert_eq!((last.name.as_str(), &last.data), ("done", &ada.get(&path_of(&first.data)).await.expect(200)));
        check_replays(&ada, &path_of(&first.data), &text).await;
        assert_eq!(oracle.asked(), 1);
    })
    .await;
}

async fn m11_whoever_comes_back_in_the_middle_misses_nothing(site: &Site) {
    with_oracle(site, &[], async |site, oracle| {
        let ada = site.newcomer().await;
        let mut response = ada.ask("POST", "/readings/stream").json(&question("Slowly")).open().await;
        let beginning = read(&mut response, 2).await;
        drop(response);
        let known = events(&beginning);
        let (path, last) = (path_of(&known[0].data), known.last().unwrap().id.clone());
        let middle = async {
            let mut response = ada.ask("GET", &format!("{path}/stream")).header("last-event-id", &last).open().await;
            oracle.go_on();
            let mut rest = String::new();
            while let Some(bytes) = response.chunk().await.unwrap() {
                rest.push_str(std::str::from_utf8(&bytes).unwrap());
            }
            rest
        };
        let (rest, whole) = join!(middle, replay(&ada, &path, None));
        assert_eq!(format!("{beginning}{rest}"), whole);
        check_replays(&ada, &path, &whole).await;
        assert_eq!(oracle.asked(), 1);
    })
    .await;
}

async fn m11_what_fails_and_what_is_cancelled_says_so(site: &Site) {
    with_oracle(site, &[], async |site, oracle| {
        let ada = site.newcomer().await;
        for (text, code) in [("Fail", "PROVIDER_ERROR"), ("Break off", "PROVIDER_ERROR"), ("Be silent", "TIMEOUT")] {
            let text = ada.post("/readings/stream", question(text)).await.text();
            let events = events(&text);
            let (id, last) = (&events[0].data["id"], events.last().unwrap());
            assert_eq!((last.name.as_str(), &last.data["error_code"]), ("error", &json!(code)), "{text}");
            assert_eq!(&last.data["reading_id"], id, "{text}");
            check_replays(&ada, &path_of(&events[0].data), &text).await;
        }
        let cancel = async {
            let path = path_of(&answered_now(&ada).await);
            ada.post(&format!("{path}/cancel"), json!({})).await.expect(200)
        };
        let (answer, cancelled) = join!(ada.post("/readings/stream", question("Slowly")), cancel);
        let events = events(&answer.text());
        let last = events.last().unwrap();
        assert_eq!((last.name.as_str(), &last.data), ("done", &cancelled));
        until(async || (oracle.left() > 0).then_some(())).await;
    })
    .await;
}

async fn m11_bad_ids_of_events_are_refused(site: &Site) {
    site.answer_readings();
    let ada = site.newcomer().await;
    let reading = ada.post("/readings", question("Which way?")).await.expect(201);
    for bad in ["x", "-1", "+1", "1.0", "99999999999999999999", "1 2"] {
        let stream = ada.ask("GET", &format!("{}/stream", path_of(&reading))).header("last-event-id", bad);
        stream.send().await.refused(400, "MALFORMED_REQUEST");
        let ask = ada.ask("POST", "/readings/stream").header("last-event-id", bad).json(&question("Which way?"));
        ask.send().await.refused(400, "MALFORMED_REQUEST");
    }
    assert_eq!(replay(&ada, &path_of(&reading), Some("9999")).await, "", "there is nothing behind the end");
    assert_eq!(site.rows("readings").await, 1);
}

async fn m11_an_answer_that_nobody_listens_to_is_cancelled_if_so_wanted(site: &Site) {
    let settings = [
        ("TENANTRY__READINGS__ON_DISCONNECT", "cancel"),
        ("TENANTRY__READINGS__DISCONNECT_GRACE_SECONDS", "1"),
        ("TENANTRY__READINGS__IDLE_TIMEOUT_SECONDS", "60"),
    ];
    with_oracle(site, &settings, async |site, oracle| {
        let ada = site.newcomer().await;
        let mut response = ada.ask("POST", "/readings/stream").json(&question("Slowly")).open().await;
        let beginning = read(&mut response, 2).await;
        tokio::time::sleep(Duration::from_secs(7)).await;
        let path = path_of(&events(&beginning)[0].data);
        assert_eq!(ada.get(&path).await.expect(200)["status"], "streaming", "somebody listens");
        let left_at = Instant::now();
        drop(response);
        until(async || (ada.get(&path).await.expect(200)["status"] == "cancelled").then_some(())).await;
        assert!(left_at.elapsed() < Duration::from_secs(20), "{:?}", left_at.elapsed());
        until(async || (oracle.left() == 1).then_some(())).await;
    })
    .await;
}

async fn m11_an_organization_has_a_limited_number_of_streams(site: &Site) {
    with_oracle(site, &[("TENANTRY__SERVER__EVENT_STREAMS_PER_ORGANIZATION", "1")], async |site, oracle| {
        let (ada, stranger) = (site.newcomer().await, site.newcomer().await);
        let mut response = ada.ask("POST", "/readings/stream").json(&question("Slowly")).open().await;
        let beginning = read(&mut response, 2).await;
        let path = path_of(&events(&beginning)[0].data);
        let refused = ada.get(&format!("{path}/stream")).await;
        refused.refused(429, "RATE_LIMITED");
        assert_eq!(refused.header("retry-after"), "10");
        ada.post("/readings/stream", question("Which way?")).await.refused(429, "RATE_LIMITED");
        assert_eq!(oracle.asked(), 1, "who has no place asks nobody");
        let elsewhere = stranger.post("/readings/stream", question("Which way?")).await;
        assert_eq!(elsewhere.status, 200, "{elsewhere}");
        oracle.go_on();
        while response.chunk().await.unwrap().is_some() {}
        until(async || (ada.get(&format!("{path}/stream")).await.status == 200).then_some(())).await;
    })
    .await;
}

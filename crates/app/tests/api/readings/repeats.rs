//! Questions that are sent twice are asked once.

use serde_json::{Value, json};
use tokio::join;

use super::{answered_now, events, path_of, question, with_oracle};
use crate::on_both_databases;
use crate::person::Person;
use crate::site::{Ask, Site};

on_both_databases!(
    a_question_that_is_sent_again_is_asked_once,
    a_stream_that_is_asked_for_again_is_the_same,
    a_stream_is_joined_while_it_lasts,
    keys_of_streams_belong_to_their_user_and_their_question,
);

fn ask(person: &Person<'_>, path: &str, body: &Value) -> Ask {
    person.ask("POST", path).header("idempotency-key", "once").json(body)
}

async fn a_question_that_is_sent_again_is_asked_once(site: &Site) {
    with_oracle(site, &[], async |site, oracle| {
        let ada = site.newcomer().await;
        let first = ask(&ada, "/readings", &question("Which way?")).send().await.expect(201);
        let again = ask(&ada, "/readings", &question("Which way?")).send().await;
        assert_eq!((again.expect(201), again.header("idempotent-replayed")), (first, "true"));
        ask(&ada, "/readings", &question("Which other way?")).send().await.refused(422, "IDEMPOTENCY_KEY_REUSED");
        assert_eq!(oracle.asked(), 1);
        let failing = async || {
            let ask = ada.ask("POST", "/readings").header("idempotency-key", "failing").json(&question("Fail"));
            ask.send().await.refused(502, "PROVIDER_ERROR")["reading_id"].clone()
        };
        assert_eq!(failing().await, failing().await, "what failed is told again");
        assert_eq!((oracle.asked(), site.rows("readings").await), (2, 2));
        let slow = || ada.ask("POST", "/readings").header("idempotency-key", "slow").json(&question("Slowly")).send();
        let meanwhile = async {
            let reading = answered_now(&ada).await;
            slow().await.refused(409, "REQUEST_IN_PROGRESS");
            oracle.go_on();
            reading
        };
        let (answer, reading) = join!(slow(), meanwhile);
        assert_eq!(answer.expect(201)["id"], reading["id"]);
    })
    .await;
}

async fn a_stream_that_is_asked_for_again_is_the_same(site: &Site) {
    with_oracle(site, &[], async |site, oracle| {
        let ada = site.newcomer().await;
        let path = "/readings/stream";
        let first = ask(&ada, path, &question("Which way?")).send().await.text();
        let again = ask(&ada, path, &question("Which way?")).send().await.text();
        assert_eq!(again, first);
        let events = events(&first);
        let rest = ask(&ada, path, &question("Which way?")).header("last-event-id", &events[1].id).send().await.text();
        assert_eq!(rest, events[2..].iter().map(|event| event.text.as_str()).collect::<String>());
        assert_eq!((oracle.asked(), site.rows("readings").await), (1, 1));
    })
    .await;
}

async fn a_stream_is_joined_while_it_lasts(site: &Site) {
    with_oracle(site, &[], async |site, oracle| {
        let ada = site.newcomer().await;
        let body = question("Slowly");
        let stream = || ask(&ada, "/readings/stream", &body).send();
        let meanwhile = async {
            answered_now(&ada).await;
            let go_on = async {
                tokio::time::sleep(std::time::Duration::from_millis(500)).await;
                oracle.go_on();
            };
            join!(stream(), go_on).0
        };
        let (first, other, joined) = join!(stream(), stream(), meanwhile);
        assert!(first.text().contains("event: done"), "{first}");
        assert_eq!((first.text(), first.text()), (other.text(), joined.text()));
        assert_eq!((oracle.asked(), site.rows("readings").await), (1, 1));
    })
    .await;
}

async fn keys_of_streams_belong_to_their_user_and_their_question(site: &Site) {
    site.answer_readings();
    let (ada, bob) = (site.newcomer().await, site.newcomer().await);
    let path = "/readings/stream";
    ask(&ada, path, &json!({"advisor": "legba", "question": "?"})).send().await.refused(422, "VALIDATION_ERROR");
    let first = ask(&ada, path, &question("Which way?")).send().await;
    assert_eq!(first.status, 200, "the key of a bad question is free: {first}");
    let other = ask(&ada, path, &question("Which other way?")).send().await;
    other.refused(422, "IDEMPOTENCY_KEY_REUSED");
    let of_bob = ask(&bob, path, &question("Which way?")).send().await;
    assert_ne!(path_of(&events(&of_bob.text())[0].data), path_of(&events(&first.text())[0].data));
}

//! M9: everybody's own readings, and nobody else's.

use serde_json::{Value, json};
use tenantry_tenancy::Role;

use super::{path_of, question};
use crate::on_both_databases;
use crate::person::Person;
use crate::site::Site;

on_both_databases!(m9_readings_are_listed_to_who_asked, m9_nobody_reads_those_of_others);

fn ids(list: &Value) -> Vec<String> {
    list["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

async fn ask(person: &Person<'_>, advisor: &str) -> String {
    let body = json!({"advisor": advisor, "question": "Which way?"});
    person.post("/readings", body).await.expect(201)["id"].as_str().unwrap().to_owned()
}

async fn m9_readings_are_listed_to_who_asked(site: &Site) {
    site.answer_readings();
    let (ada, stranger) = (site.newcomer().await, site.newcomer().await);
    let bob = ada.hire(Role::Member).await;
    let mut asked = Vec::new();
    for advisor in ["legba", "oshun", "legba", "shango", "yemaya"] {
        asked.insert(0, ask(&ada, advisor).await);
        ask(&bob, advisor).await;
        ask(&stranger, advisor).await;
    }
    for path in ["/readings", "/users/me/readings"] {
        let all = ada.get(path).await.expect(200);
        assert_eq!((ids(&all), &all["total"]), (asked.clone(), &json!(5)), "the newest first");
        let second = ada.get(&format!("{path}?page=2&limit=2")).await.expect(200);
        assert_eq!((ids(&second), &second["page"]), (asked[2..4].to_vec(), &json!(2)));
        let mut seen = Vec::new();
        let mut next = format!("{path}?limit=2");
        loop {
            let page = ada.get(&next).await.expect(200);
            seen.extend(ids(&page));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            next = format!("{path}?limit=2&cursor={cursor}");
        }
        assert_eq!(seen, asked);
        assert_eq!(ada.get(&format!("{path}?advisor=legba")).await.expect(200)["total"], 2);
        assert_eq!(
            ada.get(&format!("{path}?status=completed&from=2020-01-01T00:00:00Z")).await.expect(200)["total"],
            5
        );
        for none in ["status=failed", "advisor=nobody", "from=2039-01-01T00:00:00Z", "to=2020-01-01T00:00:00Z"] {
            assert_eq!(ada.get(&format!("{path}?{none}")).await.expect(200)["total"], 0, "{none}");
        }
        for bad in ["status=over", "advisor=No%20One", "from=yesterday", "user_id=1"] {
            ada.get(&format!("{path}?{bad}")).await.refused(422, "VALIDATION_ERROR");
        }
    }
}

async fn m9_nobody_reads_those_of_others(site: &Site) {
    site.answer_readings();
    let (ada, stranger) = (site.newcomer().await, site.newcomer().await);
    let (admin, bob) = (ada.hire(Role::Admin).await, ada.hire(Role::Member).await);
    let reading = bob.post("/readings", question("Of whom?")).await.expect(201);
    let path = path_of(&reading);
    for (method, path) in [
        ("GET", path.clone()),
        ("DELETE", path.clone()),
        ("POST", format!("{path}/cancel")),
        ("GET", format!("{path}/stream")),
    ] {
        for other in [&ada, &admin] {
            other.ask(method, &path).send().await.refused(403, "FORBIDDEN");
        }
        stranger.ask(method, &path).send().await.refused(404, "NOT_FOUND");
        stranger.within(&ada.own_organization).ask(method, &path).send().await.refused(404, "NOT_FOUND");
        bob.within(&bob.own_organization).ask(method, &path).send().await.refused(404, "NOT_FOUND");
    }
    let log = ada.get("/audit-log?action=reading.access_denied").await.expect(200);
    assert_eq!((&log["total"], &log["data"][0]["target_id"]), (&json!(8), &reading["id"]), "{log}");
    assert_eq!(bob.get(&path).await.expect(200), reading);
}

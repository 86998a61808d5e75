use serde_json::json;

use crate::server::{Answer, TestServer, send};

async fn list(server: &TestServer, query: &str) -> Answer {
    send(server.get(&format!("/api/v1/probes{query}"))).await
}

fn numbers(answer: &Answer) -> Vec<u64> {
    answer.body["data"].as_array().unwrap().iter().map(|item| item["number"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn pages_are_numbered_and_counted() {
    let server = TestServer::start();
    let answer = list(&server, "").await;
    assert_eq!(numbers(&answer), (1..=50).collect::<Vec<_>>());
    let body = &answer.body;
    assert_eq!(
        (&body["count"], &body["total"], &body["page"], &body["limit"]),
        (&json!(50), &json!(120), &json!(1), &json!(50))
    );
    let last = list(&server, "?page=2&limit=100").await;
    assert_eq!(numbers(&last), (101..=120).collect::<Vec<_>>());
    assert_eq!(last.body["next_cursor"], json!(null));
    let past = list(&server, "?page=18446744073709551615").await;
    assert_eq!((past.status, numbers(&past)), (200, vec![]));
}

#[tokio::test]
async fn cursors_go_through_the_whole_list() {
    let server = TestServer::start();
    let mut answer = list(&server, "?limit=50&from=11").await;
    let mut seen = numbers(&answer);
    while let Some(cursor) = answer.body["next_cursor"].as_str().map(str::to_owned) {
        answer = list(&server, &format!("?from=11&cursor={cursor}&limit=50")).await;
        assert_eq!((&answer.body["total"], &answer.body["page"]), (&json!(null), &json!(null)));
        seen.extend(numbers(&answer));
    }
    assert_eq!(seen, (11..=120).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_cursor_is_bound_to_its_list_sort_and_filter() {
    let server = TestServer::start();
    let first = list(&server, "?limit=5&from=3&sort=number").await;
    let cursor = first.text("next_cursor");
    assert_eq!(list(&server, &format!("?cursor={cursor}&sort=number&from=3")).await.status, 200);
    let unversioned = send(server.get(&format!("/api/probes/?cursor={cursor}&sort=number&from=3"))).await;
    assert_eq!(unversioned.status, 200, "the same list by another name");
    for query in
        [format!("?cursor={cursor}&from=3"), format!("?cursor={cursor}&sort=number&from=4"), "?cursor=x".into()]
    {
        list(&server, &query).await.assert_problem(400, "MALFORMED_REQUEST");
    }
    let elsewhere = send(server.get(&format!("/api/v1/samples?cursor={cursor}&sort=number&from=3"))).await;
    elsewhere.assert_problem(400, "MALFORMED_REQUEST");
}

#[tokio::test]
async fn bad_parameters_are_named() {
    let server = TestServer::start();
    let cases = [
        ("?limit=0", "limit must be between 1 and 100"),
        ("?limit=101", "limit must be between 1 and 100"),
        ("?limit=-1", "limit must be a whole number"),
        ("?page=0", "page must be 1 or more"),
        ("?page=one", "page must be a whole number"),
        ("?page=1&page=2", "page must be given only once"),
        ("?page=1&cursor=x", "cursor must not be given together with page"),
        ("?colour=red", "colour is not known here"),
        ("?sort=colour", "sort must be number"),
        ("?from=x", "from must be a whole number"),
    ];
    for (query, error) in cases {
        let answer = list(&server, query).await;
        answer.assert_problem(422, "VALIDATION_ERROR");
        assert_eq!(answer.text("detail"), error, "{query}");
    }
}

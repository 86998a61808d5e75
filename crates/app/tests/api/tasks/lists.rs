//! T1, T7: lists, their pages, orders and filters.

use serde_json::{Value, json};

use crate::on_both_databases;
use crate::person::Person;
use crate::site::Site;

on_both_databases!(
    t7_pages_have_the_envelope,
    t7_cursors_lead_through_the_whole_list_once,
    t7_bad_pages_and_cursors_are_refused,
    t1_every_order_is_that_of_its_field,
    t1_filters_narrow_the_list,
    unknown_and_bad_parameters_are_named,
);

async fn titles(person: &Person<'_>, query: &str) -> Vec<String> {
    let list = person.get(&format!("/tasks?{query}")).await.expect(200);
    titles_of(&list)
}

fn titles_of(list: &Value) -> Vec<String> {
    list["data"].as_array().unwrap().iter().map(|task| task["title"].as_str().unwrap().to_owned()).collect()
}

/// Tasks with these titles, made in this order.
async fn make(person: &Person<'_>, titles: impl IntoIterator<Item = &str>) {
    for title in titles {
        person.task(json!({"title": title})).await;
    }
}

async fn t7_pages_have_the_envelope(site: &Site) {
    let ada = site.newcomer().await;
    let empty = ada.get("/tasks").await.expect(200);
    let envelope = json!({"data": [], "count": 0, "total": 0, "page": 1, "limit": 50, "next_cursor": null});
    assert_eq!(empty, envelope);
    make(&ada, ["a", "b", "c", "d", "e"]).await;
    make(&site.newcomer().await, ["not ours"]).await;
    for (query, expected, page, has_next) in [
        ("", vec!["e", "d", "c", "b", "a"], 1, false),
        ("page=1&limit=2", vec!["e", "d"], 1, true),
        ("page=2&limit=2", vec!["c", "b"], 2, true),
        ("page=3&limit=2", vec!["a"], 3, false),
        ("page=4&limit=2", vec![], 4, false),
        ("page=1000000&limit=100", vec![], 1_000_000, false),
        ("limit=5", vec!["e", "d", "c", "b", "a"], 1, false),
    ] {
        let list = ada.get(&format!("/tasks?{query}")).await.expect(200);
        assert_eq!(titles_of(&list), expected, "{query}");
        assert_eq!((&list["total"], &list["page"], &list["count"]), (&json!(5), &json!(page), &json!(expected.len())));
        assert_eq!(list["next_cursor"].is_string(), has_next, "{query}: {list}");
    }
}

async fn t7_cursors_lead_through_the_whole_list_once(site: &Site) {
    let ada = site.newcomer().await;
    make(&ada, ["a", "b", "c", "d", "e", "f", "g"]).await;
    for sort in ["", "sort=title&", "sort=-priority&", "sort=due_at&", "sort=-updated_at&status=Pending&"] {
        let whole = titles(&ada, sort.trim_end_matches('&')).await;
        let mut list = ada.get(&format!("/tasks?{sort}limit=3")).await.expect(200);
        let mut walked = titles_of(&list);
        while let Some(cursor) = list["next_cursor"].as_str() {
            list = ada.get(&format!("/tasks?{sort}limit=3&cursor={cursor}")).await.expect(200);
            assert_eq!((&list["total"], &list["page"], &list["limit"]), (&Value::Null, &Value::Null, &json!(3)));
            walked.extend(titles_of(&list));
        }
        assert_eq!(walked, whole, "{sort}");
    }
    // What is new comes before the place of the cursor, and moves nothing.
    let first = ada.get("/tasks?limit=3").await.expect(200);
    make(&ada, ["h"]).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(titles(&ada, &format!("limit=3&cursor={cursor}")).await, ["d", "c", "b"]);
}

async fn t7_bad_pages_and_cursors_are_refused(site: &Site) {
    let ada = site.newcomer().await;
    make(&ada, ["a", "b", "c"]).await;
    let cursor = ada.get("/tasks?limit=1").await.expect(200)["next_cursor"].as_str().unwrap().to_owned();
    let altered: String = cursor.chars().rev().collect();
    for query in [
        "cursor=".to_owned(),
        "cursor=x".to_owned(),
        format!("cursor={altered}"),
        format!("cursor={cursor}AAAA"),
        format!("sort=title&cursor={cursor}"),
        format!("status=Pending&cursor={cursor}"),
    ] {
        ada.get(&format!("/tasks?{query}")).await.refused(400, "MALFORMED_REQUEST");
    }
    for (query, field) in [
        (format!("page=1&cursor={cursor}"), "cursor"),
        ("page=0".to_owned(), "page"),
        ("page=-1".to_owned(), "page"),
        ("page=99999999999999999999".to_owned(), "page"),
        ("limit=0".to_owned(), "limit"),
        ("limit=101".to_owned(), "limit"),
        ("limit=many".to_owned(), "limit"),
        ("limit=1&limit=2".to_owned(), "limit"),
    ] {
        ada.get(&format!("/tasks?{query}")).await.blames(422, "VALIDATION_ERROR", field);
    }
    // A cursor is a place, and no right to see anything.
    assert!(titles(&site.newcomer().await, &format!("cursor={cursor}")).await.is_empty());
}

async fn t1_every_order_is_that_of_its_field(site: &Site) {
    let ada = site.newcomer().await;
    for (title, priority, due_at) in
        [("b", 1, Some("2026-03-01T00:00:00Z")), ("c", 3, None), ("a", 2, Some("2026-02-01T00:00:00Z"))]
    {
        ada.task(json!({"title": title, "priority": priority, "due_at": due_at})).await;
    }
    let oldest = ada.get("/tasks?sort=created_at&limit=1").await.expect(200)["data"][0]["id"].clone();
    ada.patch(&format!("/tasks/{}", oldest.as_str().unwrap()), json!({"labels": ["x"]})).await.expect(200);
    for (sort, expected) in [
        ("created_at", ["b", "c", "a"]),
        ("-created_at", ["a", "c", "b"]),
        ("updated_at", ["c", "a", "b"]),
        ("-updated_at", ["b", "a", "c"]),
        ("due_at", ["a", "b", "c"]),
        ("priority", ["b", "a", "c"]),
        ("-priority", ["c", "a", "b"]),
        ("title", ["a", "b", "c"]),
        ("-title", ["c", "b", "a"]),
    ] {
        assert_eq!(titles(&ada, &format!("sort={sort}")).await, expected, "{sort}");
    }
    // Tasks that are never due come last when the earliest is asked for first, and first the other way round or last.
    let descending = titles(&ada, "sort=-due_at").await;
    let due: Vec<_> = descending.iter().filter(|title| *title != "c").collect();
    assert_eq!(due, ["b", "a"]);
}

async fn t1_filters_narrow_the_list(site: &Site) {
    let ada = site.newcomer().await;
    let project = ada.project("Oven").await;
    ada.task(json!({"title": "Order rye FLOUR", "description": "forty sacks", "labels": ["stock"], "priority": 4}))
        .await;
    ada.task(json!({"title": "100% rye_bread", "project_id": project, "due_at": "2026-02-01T00:00:00Z"})).await;
    ada.task(json!({"title": "Roster", "assignee_id": ada.id, "status": "Completed", "labels": ["people", "stock"]}))
        .await;
    for (query, expected) in [
        ("status=Completed", vec!["Roster"]),
        ("status=Pending", vec!["100% rye_bread", "Order rye FLOUR"]),
        ("q=rye", vec!["100% rye_bread", "Order rye FLOUR"]),
        ("q=RYE%20flour", vec!["Order rye FLOUR"]),
        ("q=flour+sacks", vec!["Order rye FLOUR"]),
        ("q=%25", vec!["100% rye_bread"]),
        ("q=_", vec!["100% rye_bread"]),
        ("q=nothing", vec![]),
        ("q=", vec!["Roster", "100% rye_bread", "Order rye FLOUR"]),
        ("label=stock", vec!["Roster", "Order rye FLOUR"]),
        ("label=sto", vec![]),
        ("priority=4", vec!["Order rye FLOUR"]),
        ("due_before=2026-02-01T00:00:00Z", vec![]),
        ("due_before=2026-02-01T00:00:01Z", vec!["100% rye_bread"]),
        ("due_after=2026-02-01T00:00:00Z", vec!["100% rye_bread"]),
        ("due_after=2026-02-01T00:00:01Z", vec![]),
        ("status=Completed&q=rye", vec![]),
        ("scope=organization&status=Completed", vec!["Roster"]),
    ] {
        let list = ada.get(&format!("/tasks?{query}")).await.expect(200);
        assert_eq!(
            (titles_of(&list), &list["total"]),
            (expected.iter().map(|&t| t.to_owned()).collect(), &json!(expected.len())),
            "{query}"
        );
    }
    assert_eq!(titles(&ada, &format!("project_id={project}")).await, ["100% rye_bread"]);
    assert_eq!(titles(&ada, &format!("assignee_id={}", ada.id)).await, ["Roster"]);
    // What nobody could see is just not in the list.
    assert!(titles(&ada, "project_id=0199a000-0000-7000-8000-000000000000").await.is_empty());
}

async fn unknown_and_bad_parameters_are_named(site: &Site) {
    let ada = site.newcomer().await;
    for (query, field) in [
        ("colour=red", "colour"),
        ("Status=Pending", "Status"),
        ("status=Done", "status"),
        ("status=Pending&status=Completed", "status"),
        ("sort=colour", "sort"),
        ("sort=--title", "sort"),
        ("scope=all", "scope"),
        ("priority=high", "priority"),
        ("priority=9", "priority"),
        ("project_id=7", "project_id"),
        ("assignee_id=me", "assignee_id"),
        ("due_before=soon", "due_before"),
        ("label=", "label"),
        ("q=%00", "q"),
    ] {
        ada.get(&format!("/tasks?{query}")).await.blames(422, "VALIDATION_ERROR", field);
    }
}

//! Every member of every body.

use serde_json::{Value, json};

use super::{Verdict, ask, judge};
use crate::answer::Answer;
use crate::contract::{Member, Operation, operations};
use crate::fixture::Fixture;
use crate::on_both_databases;
use crate::site::Site;

/// Texts that mean something elsewhere and nothing here.
const HARMLESS: [&str; 9] = [
    "'; DROP TABLE tasks; --",
    "\" OR \"\"=\"",
    "<script>alert(1)</script>",
    "${jndi:ldap://example.com/x}",
    "../../../../etc/passwd",
    "{{7*7}} %s %n %00",
    "\\u0000 \\x00 \\",
    "\u{202e}right to left 🦀 e\u{301}",
    "﷽ Ω≈ç√∫˜µ≤≥÷ 表ポあA鷗 \u{feff}\u{200b}",
];

on_both_databases!(every_member_stands_what_it_gets);

async fn every_member_stands_what_it_gets(site: &Site) {
    let mut fixture = Fixture::of(site).await;
    for operation in operations().iter().filter(|operation| !operation.members.is_empty()) {
        for member in &operation.members {
            without(&mut fixture, operation, member).await;
            for (value, verdict) in values_for(member) {
                let body = body_with(&fixture, operation, member, &value);
                let what = format!("{} with {} {:.60}", operation.name(), member.name, value.to_string());
                let answer = judge(site, ask(&mut fixture, operation).await.json(&body), verdict, &what).await;
                if verdict == Verdict::Misfit {
                    answer.blames(422, "VALIDATION_ERROR", &member.name);
                }
                check_echo(&answer, &member.name, &value);
            }
        }
    }
}

fn body_with(fixture: &Fixture<'_>, operation: &Operation, member: &Member, value: &Value) -> Value {
    let mut body = fixture.body(operation).unwrap_or_else(|| json!({}));
    // Who signs in gives one name, and the first counts.
    if member.name == "username" && signs_in(&operation.path) {
        body.as_object_mut().unwrap().remove("email");
    }
    if let Some(twin) = twin(operation, &member.name).filter(|_| !value.is_null()) {
        body.as_object_mut().unwrap().remove(twin);
    }
    body[&member.name] = value.clone();
    body
}

/// The other name of the same thing: where both are given they must say the same.
fn twin(operation: &Operation, member: &str) -> Option<&'static str> {
    let twins = [("name", "company_name"), ("slug", "company_code")];
    let is_company = operation.path.starts_with("/api/v1/companies");
    let twin = twins.iter().find_map(|(one, other)| match member {
        member if member == *one => Some(*other),
        member if member == *other => Some(*one),
        _ => None,
    });
    twin.filter(|_| is_company)
}

async fn without(fixture: &mut Fixture<'_>, operation: &Operation, member: &Member) {
    let mut body = fixture.body(operation).unwrap_or_else(|| json!({}));
    body.as_object_mut().unwrap().remove(&member.name);
    let ask = ask(fixture, operation).await.json(&body);
    let what = format!("{} without {}", operation.name(), member.name);
    if member.required {
        judge(fixture.site, ask, Verdict::Refused, &what).await.blames(422, "VALIDATION_ERROR", &member.name);
    } else {
        judge(fixture.site, ask, Verdict::Either, &what).await;
    }
}

fn values_for(member: &Member) -> Vec<(Value, Verdict)> {
    let mut values = of_every_type(member);
    if member.takes("string") {
        values.extend(HARMLESS.map(|text| (json!(text), Verdict::Either)));
        let bad = ["x".repeat(100_000), "a\u{0}b".to_owned(), "a\u{7}b".to_owned(), "\u{1b}[2J".to_owned()];
        values.extend(bad.map(|text| (json!(text), Verdict::Refused)));
    }
    if member.takes("integer") {
        let bad =
            [json!(i64::MIN), json!(i64::MAX), json!(u64::MAX), json!(-1), json!(1e308), json!(2_147_483_648_u32)];
        values.extend(bad.map(|number| (number, Verdict::Refused)));
    }
    if member.takes("array") {
        let items = |count: usize| (0..count).map(|number| json!(number.to_string())).collect::<Vec<_>>();
        let bad = [json!(items(20_000)), json!([1]), json!([null]), json!([["a"]]), json!(["a\u{0}"]), json!([{}])];
        values.extend(bad.map(|array| (array, Verdict::Refused)));
    }
    if member.takes("object") {
        values.push((json!({"a": "x".repeat(20_000)}), Verdict::Refused));
        values.push((json!({"a": [{"b\u{0}": 1}]}), Verdict::Refused));
        values.push((nested(100), Verdict::Either));
        values.extend(HARMLESS.map(|text| (json!({text: {text: [text]}}), Verdict::Either)));
    }
    values
}

/// A value of each type; those of another type than the member's must be refused.
fn of_every_type(member: &Member) -> Vec<(Value, Verdict)> {
    let values = [
        ("null", Value::Null),
        ("string", json!("text")),
        ("string", json!("")),
        ("integer", json!(3)),
        ("number", json!(1.5)),
        ("boolean", json!(true)),
        ("array", json!([])),
        ("object", json!({})),
        ("object", json!({"$ne": null})),
    ];
    let verdict = |kind| if member.takes(kind) { Verdict::Either } else { Verdict::Misfit };
    values.into_iter().map(|(kind, value)| (value, verdict(kind))).collect()
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!({}), |inner, _| json!({"a": inner}))
}

/// What was taken is answered as it was sent, but for space around it.
fn check_echo(answer: &Answer, member: &str, sent: &Value) {
    // Who signs in is answered as they are stored. A stream is no JSON.
    let is_json = answer.header("content-type").starts_with("application/json");
    if answer.status >= 300 || !is_json || signs_in(&answer.asked) {
        return;
    }
    let body = answer.json();
    for holder in [&body, &body["user"]] {
        match (&holder[member], sent) {
            (Value::String(kept), Value::String(sent)) => assert_eq!(kept, sent.trim(), "{answer}"),
            (Value::Object(kept), Value::Object(sent)) => assert_eq!(kept, sent, "{answer}"),
            _ => {}
        }
    }
}

fn signs_in(path: &str) -> bool {
    path.ends_with("/login") || path.ends_with("/signin")
}

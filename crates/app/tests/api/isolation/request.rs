//! A random request of one tenant.

use serde_json::{Map, Value};

use super::drawing::Drawing;
use super::things::Kind;
use crate::answer::Answer;
use crate::contract::{Member, Operation};
use crate::person::Person;

pub struct Request {
    method: String,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Option<Value>,
    organization: Option<String>,
    /// What of the other tenant it names.
    pub sent: Vec<String>,
}

impl Request {
    /// A request for this operation by `actor`.
    pub fn draw(operation: &Operation, actor: &Person<'_>, mut drawing: Drawing<'_, '_>) -> Self {
        let mut headers = Vec::new();
        let is_twin = operation.method == "POST" && drawing.once_in(4);
        drawing.is_twin = is_twin;
        if is_twin {
            headers.push(("idempotency-key", format!("twin-{}", drawing.rng.u8(..3))));
        }
        if operation.method != "POST" && drawing.once_in(8) {
            headers.push(("if-match", drawing.any(Kind::Version)));
        }
        if operation.is_of_tus() {
            headers.extend(drawing.headers_of_tus());
        }
        let path = format!("{}{}", path(operation, &mut drawing), query(operation, &mut drawing));
        let organization = match drawing.rng.u32(..8) {
            _ if drawing.is_plain => actor.organization.clone(),
            0 => Some(drawing.foreign(Kind::Organization)),
            1 => None,
            _ => actor.organization.clone(),
        };
        let body = (!operation.members.is_empty()).then(|| body(operation, &mut drawing));
        let method = operation.method.clone();
        Self { method, path, headers, body, organization, sent: drawing.sent }
    }

    pub async fn send(&self, actor: &Person<'_>) -> Answer {
        let actor = Person { organization: self.organization.clone(), ..actor.clone() };
        let mut ask = actor.authorize(actor.site.at(&self.method, &self.path));
        for (name, value) in &self.headers {
            ask = ask.header(name, value);
        }
        match &self.body {
            Some(body) => ask.json(body).send().await,
            None => ask.send().await,
        }
    }
}

impl std::fmt::Display for Request {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { method, path, headers, organization, .. } = self;
        let body = self.body.as_ref().map(Value::to_string).unwrap_or_default();
        write!(formatter, "{method} {path} {headers:?} within {organization:?} {body}")
    }
}

fn path(operation: &Operation, drawing: &mut Drawing<'_, '_>) -> String {
    let segments: Vec<&str> = operation.path.split('/').collect();
    let mut ids = Vec::new();
    for [collection, parameter] in segments.array_windows() {
        if parameter.starts_with('{') {
            ids.push(id(operation, Kind::behind(&operation.path, collection).unwrap(), drawing));
        }
    }
    let last = ids.last().cloned().unwrap_or_default();
    operation.path_within(ids.first().unwrap_or(&last), &last)
}

fn id(operation: &Operation, kind: Kind, drawing: &mut Drawing<'_, '_>) -> String {
    let is_change = operation.method != "GET";
    match kind {
        // Their organisation itself is left alone by its own people, so that there is one in the end.
        Kind::Organization if (!is_change || !operation.path.ends_with("{id}")) && !drawing.once_in(3) => {
            drawing.own.keeper.own_organization.clone()
        }
        // So are people, now and then.
        Kind::User if is_change && !drawing.is_plain && drawing.rng.bool() => drawing.foreign(kind),
        _ => drawing.any(kind),
    }
}

fn query(operation: &Operation, drawing: &mut Drawing<'_, '_>) -> String {
    let mut pairs = Vec::new();
    for name in &operation.query {
        if drawing.once_in(if name == "cursor" { 8 } else { 4 }) {
            pairs.push(format!("{name}={}", drawing.parameter(name)));
        }
    }
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

fn body(operation: &Operation, drawing: &mut Drawing<'_, '_>) -> Value {
    // The account goes with the right password, which is not told too often.
    if operation.name() == "DELETE /api/v1/users/me" && !drawing.once_in(6) {
        return Value::Object(Map::new());
    }
    let of_company = operation.path.contains("/companies");
    let is_sent = |member: &Member, drawing: &mut Drawing<'_, '_>| match member.name.as_str() {
        "name" | "slug" if of_company => false,
        "company_name" => true,
        _ => member.required || drawing.once_in(3) && !drawing.is_twin,
    };
    let mut body = Map::new();
    for member in &operation.members {
        // A new password is taken with the present one only.
        let is_due = member.name == "current_password" && body.contains_key("password");
        if is_due || member.name != "current_password" && is_sent(member, drawing) {
            body.insert(member.name.clone(), drawing.member(&member.name));
        }
    }
    Value::Object(body)
}

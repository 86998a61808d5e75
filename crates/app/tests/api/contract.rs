//! The committed OpenAPI document, as the tests that walk it need it.

use serde_json::{Map, Value};

const DOCUMENT: &str = include_str!("../../../../openapi.json");

/// One operation of the document.
pub struct Operation {
    /// In capitals.
    pub method: String,
    /// With parameters in braces.
    pub path: String,
    /// Whether it needs no credentials.
    pub public: bool,
    /// The members that its body may have, by name, and which of them it must.
    pub members: Map<String, Value>,
    pub required: Vec<String>,
    /// The names of the parameters of its query.
    pub query: Vec<String>,
}

impl Operation {
    /// `GET /api/v1/tasks/{id}`.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The path with this value for its parameter.
    pub fn path_to(&self, value: &str) -> String {
        let Some((start, rest)) = self.path.split_once('{') else { return self.path.clone() };
        format!("{start}{value}{}", rest.split_once('}').unwrap().1)
    }

    /// Whether members of the body are described that are sent as text.
    pub fn is_text(&self, member: &str) -> bool {
        has_type(&self.members[member], "string")
    }
}

/// The document, as text.
pub fn text() -> &'static str {
    DOCUMENT
}

/// All operations.
pub fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, description) in item.as_object().unwrap() {
            operations.push(read(&document, method, path, description));
        }
    }
    operations
}

fn read(document: &Value, method: &str, path: &str, description: &Value) -> Operation {
    let body = resolve(document, &description["requestBody"]["content"]["application/json"]["schema"]);
    let required = body["required"].as_array().into_iter().flatten();
    let parameters = description["parameters"].as_array().into_iter().flatten();
    let query = parameters.filter(|parameter| parameter["in"] == "query");
    let security = description["security"].as_array();
    Operation {
        method: method.to_uppercase(),
        path: path.to_owned(),
        public: security.is_some_and(|all| all.iter().any(|one| one.as_object().unwrap().is_empty())),
        members: body["properties"].as_object().cloned().unwrap_or_default(),
        required: required.map(|name| name.as_str().unwrap().to_owned()).collect(),
        query: query.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect(),
    }
}

/// The schema itself: behind a reference, or the one that is not null of several.
fn resolve<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return resolve(document, document.pointer(reference.strip_prefix('#').unwrap()).unwrap());
    }
    let alternatives = schema["oneOf"].as_array().into_iter().flatten();
    match alternatives.into_iter().find(|one| one["type"] != "null") {
        Some(one) => resolve(document, one),
        None => schema,
    }
}

fn has_type(schema: &Value, name: &str) -> bool {
    match &schema["type"] {
        Value::Array(names) => names.iter().any(|known| known == name),
        one => one == name,
    }
}

//! The committed OpenAPI document, as the tests that walk it need it.

use serde_json::Value;

const DOCUMENT: &str = include_str!("../../../../openapi.json");

/// One operation of the document.
pub struct Operation {
    /// In capitals.
    pub method: String,
    /// With parameters in braces.
    pub path: String,
    /// Whether it needs no credentials.
    pub public: bool,
    /// The scope that an API key needs for it; none where no key may call it.
    pub api_scope: Option<String>,
    /// The members that its body may have.
    pub members: Vec<Member>,
    /// The names of the parameters of its query.
    pub query: Vec<String>,
}

impl Operation {
    /// `GET /api/v1/tasks/{id}`.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Whether it is for administrators of the platform alone.
    pub fn is_of_platform(&self) -> bool {
        self.path.starts_with("/api/v1/admin/")
    }

    /// Whether it is about a job to which a client sends files.
    pub fn is_of_direct_uploads(&self) -> bool {
        let ends = ["/files", "/parts", "/files/complete", "/finish"];
        self.path.starts_with("/api/v1/uploads/") && ends.iter().any(|end| self.path.ends_with(end))
    }

    /// The path with this value for its parameters.
    pub fn path_to(&self, value: &str) -> String {
        self.path_within(value, value)
    }

    /// The path with the first value for its first parameter, and the other one for what is within that.
    pub fn path_within(&self, first: &str, inner: &str) -> String {
        let mut path = self.path.clone();
        for value in [first, inner] {
            let Some((start, rest)) = path.split_once('{') else { break };
            path = format!("{start}{value}{}", rest.split_once('}').unwrap().1);
        }
        path
    }
}

/// One member of a body.
pub struct Member {
    pub name: String,
    pub required: bool,
    /// The types of JSON Schema that its value may have.
    pub types: Vec<String>,
}

impl Member {
    pub fn takes(&self, kind: &str) -> bool {
        self.types.iter().any(|known| known == kind)
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
    let parameters = description["parameters"].as_array().into_iter().flatten();
    let query = parameters.filter(|parameter| parameter["in"] == "query");
    let security = description["security"].as_array();
    Operation {
        method: method.to_uppercase(),
        path: path.to_owned(),
        public: security.is_some_and(|all| all.iter().any(|one| one.as_object().unwrap().is_empty())),
        api_scope: security.into_iter().flatten().find_map(|one| Some(one["api_key"].get(0)?.as_str()?.to_owned())),
        members: members(document, body),
        query: query.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect(),
    }
}

fn members(document: &Value, body: &Value) -> Vec<Member> {
    let required = |name: &String| body["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
    let properties = body["properties"].as_object().into_iter().flatten();
    properties
        .map(|(name, schema)| Member { name: name.clone(), required: required(name), types: types(document, schema) })
        .collect()
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

/// The types that a value may have, those of all alternatives.
fn types(document: &Value, schema: &Value) -> Vec<String> {
    let schema = match schema["$ref"].as_str() {
        Some(_) => resolve(document, schema),
        None => schema,
    };
    let alternatives = schema["oneOf"].as_array().into_iter().flatten();
    let mut types: Vec<String> = alternatives.flat_map(|one| types(document, one)).collect();
    match &schema["type"] {
        Value::Array(names) => types.extend(names.iter().map(|name| name.as_str().unwrap().to_owned())),
        Value::String(name) => types.push(name.clone()),
        _ => {}
    }
    types
}

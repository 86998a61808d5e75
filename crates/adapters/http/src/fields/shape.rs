//! JSON and queries of the wrong shape: what serde says, in the words of the contract.

use std::fmt;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;

use crate::problem::{ErrorCode, Problem};

/// Decodes a JSON body.
pub(super) fn from_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let text = str::from_utf8(body).map_err(|error| {
        let offset = error.valid_up_to();
        not_json(format_args!("the body is not UTF-8 at byte {offset}"))
    })?;
    let mut decoder = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut decoder).map_err(|error| wrong_json(text, &error))?;
    decoder.end().map_err(|error| not_json(format_args!("the body is not JSON: {error}")))?;
    Ok(value)
}

fn not_json(detail: fmt::Arguments<'_>) -> Problem {
    Problem::new(ErrorCode::MalformedRequest).with_detail(detail.to_string())
}

fn wrong_json(text: &str, error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    match error.inner().classify() {
        // serde_json calls it a syntax error when the name of a choice is no string.
        Category::Syntax if is_value_of_another_type(text, error.inner()) => {
            wrong_shape(&error.path().to_string(), "must be a string")
        }
        Category::Data => {
            let message = error.inner().to_string();
            // serde_json ends its messages with " at line 1 column 2".
            let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
            wrong_shape(&error.path().to_string(), message)
        }
        Category::Syntax | Category::Eof | Category::Io => {
            not_json(format_args!("the body is not JSON: {}", error.inner()))
        }
    }
}

fn is_value_of_another_type(text: &str, error: &serde_json::Error) -> bool {
    error.to_string().starts_with("expected value at ") && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// The problem for a value at `path` (`.` is the whole) that serde refused with `message`.
pub(super) fn wrong_shape(path: &str, message: &str) -> Problem {
    let named = |prefix| message.strip_prefix(prefix).and_then(|rest: &str| rest.split('`').next());
    if let Some(name) = named("missing field `") {
        return Problem::validation(beneath(path, name), "is required");
    }
    if let Some(name) = named("unknown field `") {
        return Problem::validation(beneath(path, name), "is not known here");
    }
    if let Some(name) = named("duplicate field `") {
        return Problem::validation(beneath(path, name), "must be given only once");
    }
    let error = describe(message);
    if path == "." {
        return Problem::new(ErrorCode::ValidationError).with_detail(format!("the body {error}"));
    }
    Problem::validation(path, error)
}

/// The path of `name` within `path`; serde names the parent or the member itself, depending on the error.
fn beneath(path: &str, name: &str) -> String {
    if path == "." || path == name {
        return name.to_owned();
    }
    if path.strip_suffix(name).is_some_and(|parent| parent.ends_with('.')) {
        return path.to_owned();
    }
    format!("{path}.{name}")
}

/// What is wrong, to be read after the name of the field. Never repeats what was sent.
fn describe(message: &str) -> String {
    if message.starts_with("must ") {
        return message.to_owned();
    }
    if let Some((_, expected)) = message.rsplit_once(", expected ") {
        return format!("must be {}", expectation(expected));
    }
    let known = [
        ("UUID parsing failed", "must be a UUID"),
        ("invalid digit", "must be a whole number"),
        ("cannot parse integer", "must be a whole number"),
        ("number too", "must be a smaller number"),
        ("provided string was not `true` or `false`", "must be true or false"),
    ];
    let text = known.iter().find(|(start, _)| message.starts_with(start)).map_or("is not valid", |(_, text)| text);
    text.to_owned()
}

/// What serde expected, without names of our types.
fn expectation(expected: &str) -> String {
    let integer = |name: &str| {
        let digits = name.strip_prefix(['u', 'i']).unwrap_or_default();
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let plain = match expected {
        "a boolean" => "true or false",
        "f32" | "f64" => "a number",
        "a sequence" => "an array",
        "a map" => "an object",
        "an RFC 3339 formatted date and time string" => "a time in RFC 3339",
        name if integer(name) => "a whole number in range",
        name if name.starts_with("struct ") || name.starts_with("internally tagged") => "an object",
        name if name.starts_with("UUID") || name.contains("UUID") => "a UUID",
        name => return name.replace('`', "\""),
    };
    plain.to_owned()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use uuid::Uuid;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Colour {
        Red,
        Green,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Part {
        #[serde(rename = "size")]
        _size: u8,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[serde(rename = "title")]
        _title: String,
        #[serde(rename = "id")]
        _id: Option<Uuid>,
        #[serde(rename = "colour")]
        _colour: Option<Colour>,
        #[serde(rename = "done")]
        _done: Option<bool>,
        #[serde(rename = "parts", default)]
        _parts: Vec<Part>,
        #[serde(rename = "at")]
        _at: Option<chrono::DateTime<chrono::Utc>>,
    }

    fn refuse(body: &[u8]) -> (ErrorCode, String) {
        let problem = from_json::<Body>(body).unwrap_err();
        let fields: Vec<_> = problem.errors().iter().map(|error| error.error.clone()).collect();
        (problem.code(), if fields.is_empty() { problem.detail().to_owned() } else { fields.join("; ") })
    }

    #[test]
    fn names_the_field_of_the_wrong_shape() {
        let cases = [
            (r"{}", "title is required"),
            (r#"{"title": 5}"#, "title must be a string"),
            (r#"{"title": null}"#, "title must be a string"),
            (r#"{"title": "a", "secret": "x"}"#, "secret is not known here"),
            (r#"{"title": "a", "title": "b"}"#, "title must be given only once"),
            (r#"{"title": "a", "id": "x"}"#, "id must be a UUID"),
            (r#"{"title": "a", "id": 7}"#, "id must be a UUID"),
            (r#"{"title": "a", "done": "yes"}"#, "done must be true or false"),
            (r#"{"title": "a", "colour": "blue"}"#, r#"colour must be "red" or "green""#),
            (r#"{"title": "a", "colour": 7}"#, "colour must be a string"),
            (r#"{"title": "a", "colour": [null]}"#, "colour must be a string"),
            (r#"{"title": "a", "at": "yesterday"}"#, "at is not valid"),
            (r#"{"title": "a", "parts": {}}"#, "parts must be an array"),
            (
                r#"{"title": "a", "parts": [{"size": 1}, {"size": 300}]}"#,
                "parts[1].size must be a whole number in range",
            ),
            (r#"{"title": "a", "parts": [{}]}"#, "parts[0].size is required"),
            (r#"{"title": "a", "parts": [{"size": 1, "weight": 1}]}"#, "parts[0].weight is not known here"),
            (r"[]", "the body must be an object"),
            (r"null", "the body must be an object"),
        ];
        for (body, expected) in cases {
            assert_eq!(refuse(body.as_bytes()), (ErrorCode::ValidationError, expected.to_owned()), "{body}");
        }
    }

    #[test]
    fn tells_what_is_not_json_apart() {
        let cases: [&[u8]; 7] = [
            b"",
            b"{",
            b"{'title': 1}",
            b"{\"title\": \"\xff\"}",
            b"{\"title\": \"a\"} x",
            b"{\"title\": \"\\ud800\"}",
            b"{\"title\": \"a\x01\"}",
        ];
        for body in cases {
            assert_eq!(refuse(body).0, ErrorCode::MalformedRequest, "{body:?}");
        }
    }
}

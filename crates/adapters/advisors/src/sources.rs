use std::collections::HashSet;

use serde_json::Value;
use tenantry_readings::{AnswerEvent, Citation};

/// Characters of an address, and of a title, that are still told.
const MOST_CHARACTERS: usize = 2_000;

/// Sources that are told of one answer.
const MOST_SOURCES: usize = 500;

/// The sources of one answer, each of which is told once, however often the provider names it.
#[derive(Default)]
pub(crate) struct Sources {
    told: HashSet<String>,
}

impl Sources {
    /// Tells what is new in a list of sources, in any form that providers have for them: addresses, objects with `url` and
    /// `title`, or objects that hold such a one as `url_citation`. Other things are left out, and so are addresses that
    /// nobody should follow.
    pub(crate) fn tell(&mut self, list: &Value, into: &mut impl Extend<AnswerEvent>) {
        for item in list.as_array().into_iter().flatten() {
            self.tell_one(item, into);
        }
    }

    /// Tells one source, if it is new.
    pub(crate) fn tell_one(&mut self, item: &Value, into: &mut impl Extend<AnswerEvent>) {
        let source = item.get("url_citation").unwrap_or(item);
        let Some(url) = source.as_str().or_else(|| source.get("url")?.as_str()) else { return };
        if !is_followed(url) || self.told.len() >= MOST_SOURCES || !self.told.insert(url.to_owned()) {
            return;
        }
        let title = source.get("title").and_then(Value::as_str).map(str::trim).filter(|title| !title.is_empty());
        let title = title.map(|title| title.chars().take(MOST_CHARACTERS).collect());
        into.extend([AnswerEvent::Citation(Citation { url: url.to_owned(), title })]);
    }
}

fn is_followed(url: &str) -> bool {
    let is_web = ["https://", "http://"].iter().any(|scheme| url.starts_with(scheme));
    is_web && url.len() <= MOST_CHARACTERS && !url.chars().any(|character| character.is_control() || character == ' ')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_source_is_told_once_in_whichever_form() {
        let mut events = Vec::new();
        let mut sources = Sources::default();
        sources.tell(&json!([{ "url": "https://a.example/1", "title": " One " }]), &mut events);
        sources.tell(&json!(["https://a.example/1", "https://a.example/2"]), &mut events);
        let annotation =
            json!({ "type": "url_citation", "url_citation": { "url": "https://a.example/3", "title": "" } });
        sources.tell(&json!([annotation, annotation]), &mut events);
        sources.tell_one(&json!({ "type": "url_citation", "url": "https://a.example/2", "title": "Two" }), &mut events);
        let told: Vec<_> = events
            .into_iter()
            .map(|event| match event {
                AnswerEvent::Citation(citation) => (citation.url, citation.title),
                other => panic!("{other:?}"),
            })
            .collect();
        let source =
            |number: u8, title: Option<&str>| (format!("https://a.example/{number}"), title.map(str::to_owned));
        assert_eq!(told, [source(1, Some("One")), source(2, None), source(3, None)]);
    }

    #[test]
    fn what_is_no_source_is_left_out() {
        let mut events = Vec::new();
        let mut sources = Sources::default();
        sources.tell(&json!(["javascript:alert(1)", "/a", "", "https://a b", 7, null, {}, { "url": 7 }]), &mut events);
        sources.tell(&json!([format!("https://a.example/{}", "x".repeat(MOST_CHARACTERS))]), &mut events);
        for list in [json!(null), json!({}), json!("https://a.example")] {
            sources.tell(&list, &mut events);
        }
        assert_eq!(events, []);
    }
}

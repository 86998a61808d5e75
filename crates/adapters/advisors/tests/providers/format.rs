//! The two formats, streamed and not, as servers write them.

use secrecy::SecretString;
use serde_json::{Map, Value, json};
use tenantry_advisors::{ChatCompletions, ChatOptions, LimitField, Responses, ResponsesOptions, ServerOptions};
use tenantry_readings::{
    Answer, AnswerEvent, Citation, Instructions, ModelName, Prompt, Provider, ProviderError, Question, Temperature,
    Usage,
};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// A format, and whether answers stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    pub is_chat: bool,
    pub streams: bool,
}

pub const FORMATS: [Format; 4] = [
    Format { is_chat: true, streams: true },
    Format { is_chat: true, streams: false },
    Format { is_chat: false, streams: true },
    Format { is_chat: false, streams: false },
];

/// What a server does, one after the other. What comes behind the end never counts.
#[derive(Debug, Clone)]
pub enum Act {
    Text(&'static str),
    /// Something that clients don't know.
    Unknown,
    /// An annotation of the text: address and title.
    Cites(&'static str, &'static str),
    /// What was found in a search.
    Found(&'static str, &'static str),
    /// JSON of tokens of the prompt, of the completion, and of costs.
    Took(&'static str, &'static str, &'static str),
    /// The model has written as much as it may.
    Cut,
    Fails,
    End,
}

pub const KEY: &str = "sk-not-to-be-seen";

impl Format {
    pub fn path(self) -> &'static str {
        if self.is_chat { "/v1/chat/completions" } else { "/v1/responses" }
    }

    /// A provider at this server.
    pub fn provider(self, server: &str) -> Box<dyn Provider> {
        let options = ServerOptions {
            api_key: Some(SecretString::from(KEY)),
            streams: self.streams,
            ..ServerOptions::new(format!("{server}/v1"))
        };
        self.provider_with(options)
    }

    pub fn provider_with(self, server: ServerOptions) -> Box<dyn Provider> {
        if self.is_chat {
            let limit_field = LimitField::default();
            return Box::new(ChatCompletions::new(ChatOptions { server, limit_field }).unwrap());
        }
        let options = ResponsesOptions { server, path: "responses".to_owned(), tools: None, tool_choice: None };
        Box::new(Responses::new(options).unwrap())
    }

    pub fn content_type(self) -> &'static str {
        if self.streams { "text/event-stream; charset=utf-8" } else { "application/json" }
    }

    /// The body that a server answers.
    pub fn body(self, acts: &[Act]) -> String {
        match (self.is_chat, self.streams) {
            (true, true) => acts.iter().map(chat_event).collect(),
            (true, false) => chat(acts).to_string(),
            (false, true) => acts.iter().enumerate().map(|(at, act)| response_event(act, &acts[..at])).collect(),
            (false, false) => response(acts).to_string(),
        }
    }

    /// A server that answers so.
    pub async fn server(self, acts: &[Act]) -> MockServer {
        self.server_with(ResponseTemplate::new(200).set_body_raw(self.body(acts), self.content_type())).await
    }

    pub async fn server_with(self, response: ResponseTemplate) -> MockServer {
        let server = MockServer::start().await;
        Mock::given(method("POST")).and(path(self.path())).respond_with(response).mount(&server).await;
        server
    }
}

fn data(json: &Value) -> String {
    format!("data: {json}\n\n")
}

fn usage(act: &Act) -> Value {
    let Act::Took(prompt, completion, cost) = act else { return Value::Null };
    let usage = format!(
        r#"{{"prompt_tokens": {prompt}, "completion_tokens": {completion}, "total_tokens": 99, "cost": {cost}, "x": 1}}"#
    );
    serde_json::from_str(&usage).unwrap()
}

fn chat_event(act: &Act) -> String {
    let choice =
        |delta: Value| data(&json!({ "id": "c", "choices": [{ "index": 0, "delta": delta, "logprobs": null }] }));
    match act {
        Act::Text(text) => choice(json!({ "role": "assistant", "content": text })),
        Act::Unknown => format!(
            ": keep-alive\n\nevent: ping\n{}{}",
            data(&json!({ "object": "ping", "choices": [], "later": { "more": [1] } })),
            choice(json!({ "reasoning_content": "Hm.", "content": null, "tool_calls": null })),
        ),
        Act::Cites(url, title) => choice(json!({ "annotations": [chat_annotation(url, title)] })),
        Act::Found(url, title) => {
            let results = json!([{ "url": url, "title": title, "date": null }]);
            data(&json!({ "choices": [], "search_results": results, "citations": [url] }))
        }
        Act::Took(..) => data(&json!({ "choices": [], "usage": usage(act) })),
        Act::Cut => data(&json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "length" }] })),
        Act::Fails => data(&json!({ "error": { "message": "secret", "code": 500 } })),
        Act::End => {
            let stop = data(&json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] }));
            format!("{stop}data: [DONE]\n\n")
        }
    }
}

fn chat_annotation(url: &str, title: &str) -> Value {
    json!({ "type": "url_citation", "url_citation": { "url": url, "title": title, "start_index": 0 } })
}

fn texts(acts: &[Act]) -> String {
    acts.iter().filter_map(|act| if let Act::Text(text) = act { Some(*text) } else { None }).collect()
}

fn of<T>(acts: &[Act], pick: impl Fn(&Act) -> Option<T>) -> Vec<T> {
    acts.iter().filter_map(pick).collect()
}

fn last_usage(acts: &[Act]) -> Value {
    acts.iter().rev().map(usage).find(|usage| !usage.is_null()).unwrap_or_default()
}

fn has(acts: &[Act], is_it: fn(&Act) -> bool) -> bool {
    acts.iter().any(is_it)
}

fn chat(acts: &[Act]) -> Value {
    let cites = of(acts, |act| if let Act::Cites(url, title) = act { Some(chat_annotation(url, title)) } else { None });
    let found = of(acts, |act| match act {
        Act::Found(url, title) => Some(json!({ "url": url, "title": title })),
        _ => None,
    });
    let addresses: Vec<_> = found.iter().map(|found| found["url"].clone()).collect();
    let message = json!({ "role": "assistant", "content": texts(acts), "annotations": cites, "refusal": null });
    let reason = if has(acts, |act| matches!(act, Act::Cut)) { "length" } else { "stop" };
    let mut body = json!({
        "id": "c",
        "choices": [{ "index": 0, "message": message, "finish_reason": reason }],
        "usage": last_usage(acts),
        "search_results": found,
        "citations": addresses,
    });
    if has(acts, |act| matches!(act, Act::Unknown)) {
        body["later"] = json!({ "more": [1] });
    }
    if has(acts, |act| matches!(act, Act::Fails)) {
        body["error"] = json!({ "message": "secret", "code": 500 });
    }
    body
}

fn response_event(act: &Act, before: &[Act]) -> String {
    let event = |kind: &str, mut rest: Value| {
        rest["type"] = json!(kind);
        format!("event: {kind}\n{}", data(&rest))
    };
    match act {
        Act::Text(text) => event("response.output_text.delta", json!({ "delta": text, "output_index": 0 })),
        Act::Unknown => [
            ": keep-alive\n\n".to_owned(),
            event("response.later.delta", json!({ "delta": { "more": [1] } })),
            event("response.output_item.done", json!({ "item": { "type": "later", "content": 7 } })),
            data(&json!({ "neither": "type nor event" })),
        ]
        .concat(),
        Act::Cites(url, title) => {
            let annotation = json!({ "type": "url_citation", "url": url, "title": title });
            event("response.output_text.annotation.added", json!({ "annotation": annotation }))
        }
        Act::Found(url, title) => {
            let item = json!({ "type": "search_results", "results": [{ "url": url, "title": title, "snippet": "…" }] });
            event("response.output_item.done", json!({ "item": item }))
        }
        Act::Took(..) => event("response.in_progress", json!({ "response": { "status": "in_progress" } })),
        Act::Cut => event("response.incomplete", json!({ "response": response(&[before, &[Act::Cut]].concat()) })),
        Act::Fails => event("response.failed", json!({ "response": response(&[before, &[Act::Fails]].concat()) })),
        Act::End => event("response.completed", json!({ "response": response(before) })),
    }
}

fn response(acts: &[Act]) -> Value {
    let cites = of(acts, |act| match act {
        Act::Cites(url, title) => Some(json!({ "type": "url_citation", "url": url, "title": title })),
        _ => None,
    });
    let found = of(acts, |act| match act {
        Act::Found(url, title) => Some(json!({ "url": url, "title": title, "snippet": "…" })),
        _ => None,
    });
    let part = json!({ "type": "output_text", "text": texts(acts), "annotations": cites, "logprobs": [] });
    let mut output = vec![
        json!({ "type": "reasoning", "summary": [] }),
        json!({ "type": "message", "role": "assistant", "content": [part] }),
        json!({ "type": "search_results", "results": found }),
    ];
    if has(acts, |act| matches!(act, Act::Unknown)) {
        output.push(json!({ "type": "later", "content": 7 }));
    }
    let mut usage = last_usage(acts);
    for (from, to) in [("prompt_tokens", "input_tokens"), ("completion_tokens", "output_tokens")] {
        if let Some(usage) = usage.as_object_mut() {
            let tokens = usage.remove(from).unwrap();
            usage.insert(to.to_owned(), tokens);
        }
    }
    let mut body = json!({ "id": "r", "status": "completed", "error": null, "output": output, "usage": usage });
    if has(acts, |act| matches!(act, Act::Cut)) {
        body["status"] = json!("incomplete");
        body["incomplete_details"] = json!({ "reason": "max_output_tokens" });
    }
    if has(acts, |act| matches!(act, Act::Fails)) {
        body["status"] = json!("failed");
        body["error"] = json!({ "message": "secret" });
    }
    body
}

/// All that came of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    pub text: String,
    pub citations: Vec<Citation>,
    pub usage: Option<Usage>,
    pub end: Result<(), ProviderError>,
}

pub fn model() -> ModelName {
    ModelName::parse("some/model").unwrap()
}

pub fn prompt(question: &str) -> Prompt {
    Prompt {
        instructions: Instructions::parse("You are an oracle.").unwrap(),
        question: Question::parse(question).unwrap(),
        temperature: Some(Temperature::parse(0.5).unwrap()),
        max_completion_tokens: 321,
    }
}

/// Asks, and hears the answer out.
pub async fn ask(provider: &dyn Provider) -> Heard {
    match provider.ask(&model(), &prompt("What not to be seen?")).await {
        Ok(mut answer) => listen(&mut *answer).await,
        Err(error) => Heard { text: String::new(), citations: Vec::new(), usage: None, end: Err(error) },
    }
}

pub async fn listen(answer: &mut dyn Answer) -> Heard {
    let mut heard = Heard { text: String::new(), citations: Vec::new(), usage: None, end: Ok(()) };
    loop {
        match answer.next().await {
            Ok(Some(AnswerEvent::Text(text))) => heard.text.push_str(&text),
            Ok(Some(AnswerEvent::Citation(citation))) => heard.citations.push(citation),
            Ok(Some(AnswerEvent::Usage(usage))) => heard.usage = Some(usage),
            Ok(None) => break,
            Err(error) => {
                heard.end = Err(error);
                break;
            }
        }
    }
    // An end is one, and an error stays one.
    assert_eq!(answer.next().await, heard.end.clone().map(|()| None));
    heard
}

/// An object of JSON.
pub fn object(json: Value) -> Map<String, Value> {
    match json {
        Value::Object(object) => object,
        other => panic!("{other}"),
    }
}

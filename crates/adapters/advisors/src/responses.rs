use std::borrow::Cow;

use async_trait::async_trait;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tenantry_readings::{Answer, ModelName, Prompt, Provider, ProviderError};

use crate::answer::HttpAnswer;
use crate::events::Event;
use crate::format::{Format, Progress, Told, unread};
use crate::server::Server;
use crate::{ResponsesOptions, SetUpError};

/// A provider that speaks the Responses of `OpenAI`: `POST {base_url}/responses`, or another path of the options, such as
/// the Agent API of Perplexity.
///
/// The question is the whole input, the instructions are given as such. A streamed answer is complete with
/// `response.completed`. Events and kinds of output that are not known are passed over.
pub struct Responses {
    server: Server,
    tools: Option<Value>,
    tool_choice: Option<Value>,
}

impl Responses {
    /// A provider that is asked so.
    ///
    /// # Errors
    /// [`SetUpError`] when the address or the key can't be one.
    pub fn new(options: ResponsesOptions) -> Result<Self, SetUpError> {
        let server = Server::new(options.server, &options.path)?;
        Ok(Self { server, tools: options.tools, tool_choice: options.tool_choice })
    }

    fn request(&self, model: &ModelName, prompt: &Prompt) -> Map<String, Value> {
        let given = [
            ("temperature", prompt.temperature.map(|temperature| json!(temperature.get()))),
            ("tools", self.tools.clone()),
            ("tool_choice", self.tool_choice.clone()),
        ];
        let always = [
            ("model", json!(model.as_str())),
            ("instructions", json!(prompt.instructions.expose())),
            ("input", json!(prompt.question.as_str())),
            ("max_output_tokens", json!(prompt.max_completion_tokens)),
            ("stream", json!(self.server.streams)),
        ];
        let given = given.into_iter().filter_map(|(name, value)| Some((name, value?)));
        given.chain(always).map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

#[async_trait]
impl Provider for Responses {
    async fn ask(&self, model: &ModelName, prompt: &Prompt) -> Result<Box<dyn Answer>, ProviderError> {
        let response = self.server.post(self.request(model, prompt)).await?;
        Ok(Box::new(HttpAnswer::new(response, self.server.streams, ResponsesFormat)))
    }
}

/// What every event has.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow, rename = "type")]
    name: Option<Cow<'a, str>>,
    error: Option<IgnoredAny>,
}

/// `response.output_text.delta`.
#[derive(Deserialize)]
struct Delta {
    delta: String,
}

/// `response.output_text.annotation.added`.
#[derive(Deserialize)]
struct Annotated {
    annotation: Value,
}

/// `response.output_item.done`.
#[derive(Deserialize)]
struct ItemDone {
    item: Value,
}

/// `response.completed` and the other ends.
#[derive(Deserialize)]
struct Ended<'a> {
    #[serde(borrow)]
    response: Response<'a>,
}

/// An answer.
#[derive(Deserialize)]
struct Response<'a> {
    status: Option<String>,
    #[serde(default)]
    output: Value,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    error: Option<IgnoredAny>,
    incomplete_details: Option<Incomplete>,
}

#[derive(Deserialize)]
struct Incomplete {
    reason: Option<String>,
}

impl Response<'_> {
    /// Tells what was not told before of the text, where it comes from, and what it took; then whether it is an answer.
    fn tell(&self, told: &mut Told) -> Result<(), ProviderError> {
        let items = self.output.as_array();
        if !told.has_text() {
            let parts = items.into_iter().flatten().flat_map(parts);
            parts.filter_map(|part| part.get("text")?.as_str()).for_each(|text| told.text(text.to_owned()));
        }
        items.into_iter().flatten().for_each(|item| tell_sources(item, told));
        told.usage(self.usage);
        if self.error.is_some() {
            return Err(ProviderError::Failed);
        }
        match self.status.as_deref() {
            Some("completed") | None => told.end(None),
            Some("incomplete") => {
                let reason = self.incomplete_details.as_ref().and_then(|details| details.reason.as_deref());
                told.end(reason).and(Err(ProviderError::Failed))
            }
            Some(_) => Err(ProviderError::Failed),
        }
    }
}

/// The parts of a message that are text.
fn parts(item: &Value) -> impl Iterator<Item = &Value> {
    let parts = item.get("content").filter(|_| is_of(item, "message")).and_then(Value::as_array);
    parts.into_iter().flatten().filter(|part| is_of(part, "output_text"))
}

/// Where an item of the output says something comes from: its annotations, and what was found and read for it.
fn tell_sources(item: &Value, told: &mut Told) {
    for part in parts(item) {
        told.sources(part.get("annotations").unwrap_or(&Value::Null));
    }
    for (kind, list) in [("search_results", "results"), ("fetch_url_results", "contents")] {
        if is_of(item, kind) {
            told.sources(item.get(list).unwrap_or(&Value::Null));
        }
    }
}

fn is_of(value: &Value, kind: &str) -> bool {
    value.get("type").and_then(Value::as_str) == Some(kind)
}

struct ResponsesFormat;

impl Format for ResponsesFormat {
    fn event(&mut self, event: &Event, told: &mut Told) -> Result<Progress, ProviderError> {
        if event.data == b"[DONE]" {
            return Err(ProviderError::BrokenOff);
        }
        let kind: Kind<'_> = read(event)?;
        let name = kind.name.as_deref().or(event.name.as_deref());
        match name {
            Some("response.output_text.delta") => told.text(read::<Delta>(event)?.delta),
            Some("response.output_text.annotation.added") => told.source(&read::<Annotated>(event)?.annotation),
            Some("response.output_item.done") => tell_sources(&read::<ItemDone>(event)?.item, told),
            Some("response.completed") => {
                read::<Ended<'_>>(event)?.response.tell(told)?;
                return Ok(Progress::Over);
            }
            Some("response.incomplete") => {
                let response = Response { status: Some("incomplete".to_owned()), ..read::<Ended<'_>>(event)?.response };
                response.tell(told)?;
            }
            Some("response.failed" | "response.cancelled") => {
                told.usage(read::<Ended<'_>>(event).ok().and_then(|ended| ended.response.usage));
                return Err(ProviderError::Failed);
            }
            Some("error") => return Err(ProviderError::Failed),
            None if kind.error.is_some() => return Err(ProviderError::Failed),
            _ => {}
        }
        Ok(Progress::More)
    }

    fn whole(&mut self, body: &[u8], told: &mut Told) -> Result<(), ProviderError> {
        let response: Response<'_> = serde_json::from_slice(body).map_err(|error| unread(&error))?;
        if response.output.is_null() && response.status.is_none() && response.error.is_none() {
            return Err(ProviderError::Malformed);
        }
        response.tell(told)
    }
}

fn read<'a, T: Deserialize<'a>>(event: &'a Event) -> Result<T, ProviderError> {
    serde_json::from_slice(&event.data).or(Err(ProviderError::Malformed))
}

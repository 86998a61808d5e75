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
use crate::{ChatOptions, LimitField, SetUpError};

/// A provider that speaks the chat completions of `OpenAI`: `POST {base_url}/chat/completions`.
///
/// The instructions are the system's message, the question is the user's, and nothing else is said. A streamed answer is
/// complete with `[DONE]`. Of several choices the first counts.
pub struct ChatCompletions {
    server: Server,
    limit_field: LimitField,
}

impl ChatCompletions {
    /// A provider that is asked so.
    ///
    /// # Errors
    /// [`SetUpError`] when the address or the key can't be one.
    pub fn new(options: ChatOptions) -> Result<Self, SetUpError> {
        let server = Server::new(options.server, "chat/completions")?;
        Ok(Self { server, limit_field: options.limit_field })
    }

    fn request(&self, model: &ModelName, prompt: &Prompt) -> Map<String, Value> {
        let mut request = Map::from_iter([
            ("model".to_owned(), json!(model.as_str())),
            (
                "messages".to_owned(),
                json!([
                    { "role": "system", "content": prompt.instructions.expose() },
                    { "role": "user", "content": prompt.question.as_str() },
                ]),
            ),
            (self.limit_field.as_str().to_owned(), json!(prompt.max_completion_tokens)),
            ("stream".to_owned(), json!(self.server.streams)),
        ]);
        if self.server.streams {
            request.insert("stream_options".to_owned(), json!({ "include_usage": true }));
        }
        if let Some(temperature) = prompt.temperature {
            request.insert("temperature".to_owned(), json!(temperature.get()));
        }
        request
    }
}

#[async_trait]
impl Provider for ChatCompletions {
    async fn ask(&self, model: &ModelName, prompt: &Prompt) -> Result<Box<dyn Answer>, ProviderError> {
        let response = self.server.post(self.request(model, prompt)).await?;
        Ok(Box::new(HttpAnswer::new(response, self.server.streams, ChatFormat::default())))
    }
}

/// An answer, or a piece of one.
#[derive(Deserialize)]
struct Completion<'a> {
    choices: Option<Vec<Choice>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    error: Option<IgnoredAny>,
    #[serde(default)]
    search_results: Value,
    #[serde(default)]
    citations: Value,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u64,
    delta: Option<Message>,
    message: Option<Message>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
    #[serde(default)]
    annotations: Value,
}

impl Completion<'_> {
    fn first_choice(&mut self) -> Option<Choice> {
        self.choices.take()?.into_iter().find(|choice| choice.index == 0)
    }

    /// Tells the text, where it comes from, and what it took, in this order.
    fn tell(&self, message: Option<Message>, told: &mut Told) {
        if let Some(message) = message {
            told.text(message.content.unwrap_or_default());
            told.sources(&message.annotations);
        }
        // Those with titles first, since each is told once.
        told.sources(&self.search_results);
        told.sources(&self.citations);
        told.usage(self.usage);
    }
}

/// Chat completions, as far as one has come.
#[derive(Default)]
struct ChatFormat {
    finish_reason: Option<String>,
}

impl Format for ChatFormat {
    fn event(&mut self, event: &Event, told: &mut Told) -> Result<Progress, ProviderError> {
        if event.data == b"[DONE]" {
            return told.end(self.finish_reason.as_deref()).map(|()| Progress::Over);
        }
        if event.name.as_deref() == Some("error") {
            return Err(ProviderError::Failed);
        }
        let mut piece: Completion<'_> = serde_json::from_slice(&event.data).or(Err(ProviderError::Malformed))?;
        let choice = piece.first_choice();
        let (delta, reason) = choice.map_or((None, None), |choice| (choice.delta, choice.finish_reason));
        piece.tell(delta, told);
        if piece.error.is_some() {
            return Err(ProviderError::Failed);
        }
        self.finish_reason = self.finish_reason.take().or(reason);
        Ok(Progress::More)
    }

    fn whole(&mut self, body: &[u8], told: &mut Told) -> Result<(), ProviderError> {
        let mut whole: Completion<'_> = serde_json::from_slice(body).map_err(|error| unread(&error))?;
        let choice = whole.first_choice();
        let is_answer = choice.is_some();
        let (message, reason) = choice.map_or((None, None), |choice| (choice.message, choice.finish_reason));
        whole.tell(message, told);
        match whole.error {
            Some(_) => Err(ProviderError::Failed),
            None if !is_answer => Err(ProviderError::Malformed),
            None => told.end(reason.as_deref()),
        }
    }
}

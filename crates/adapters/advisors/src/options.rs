use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Map, Value};

/// Where a provider is, and how it is asked. `Debug` shows no key.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// What all of its addresses begin with, such as `https://api.openai.com/v1`: no user, query or fragment.
    pub base_url: String,
    /// What it knows the operator by, where it wants to.
    pub api_key: Option<SecretString>,
    /// How long it may take until it answers a new connection, the look-up of its name and TLS included.
    pub connect_timeout: Duration,
    /// Whether answers come in pieces, as they are written.
    pub streams: bool,
    /// Further members of each request, as the provider documents them: `{"store": false}`. Those that this crate writes
    /// itself stay as they are.
    pub extra: Map<String, Value>,
}

impl ServerOptions {
    /// Those of a server that streams, takes anybody's requests, and answers a connection within ten seconds.
    #[must_use]
    pub fn new(base_url: impl Into<String>) -> Self {
        let connect_timeout = Duration::from_secs(10);
        Self { base_url: base_url.into(), api_key: None, connect_timeout, streams: true, extra: Map::new() }
    }
}

/// How a provider of chat completions is asked.
#[derive(Debug, Clone)]
pub struct ChatOptions {
    /// Where it is.
    pub server: ServerOptions,
    /// What it calls the number of tokens that the model may write.
    pub limit_field: LimitField,
}

/// What a provider calls the number of tokens that a model may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LimitField {
    /// `max_tokens`, which nearly all servers know.
    #[default]
    MaxTokens,
    /// `max_completion_tokens`, which some models of `OpenAI` insist on.
    MaxCompletionTokens,
}

impl LimitField {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::MaxTokens => "max_tokens",
            Self::MaxCompletionTokens => "max_completion_tokens",
        }
    }
}

/// How a provider of Responses is asked.
#[derive(Debug, Clone)]
pub struct ResponsesOptions {
    /// Where it is.
    pub server: ServerOptions,
    /// What follows the base URL: `responses`, or `agent` for Perplexity.
    pub path: String,
    /// What models may use, as the provider documents it: `[{"type": "web_search"}]`.
    pub tools: Option<Value>,
    /// Whether they have to, as the provider documents it: a provider that searches only if its model likes to promises no
    /// sources.
    pub tool_choice: Option<Value>,
}

/// A provider can't be set up so. Shows nothing of the options.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// The base URL and the path make no address.
    #[error("the base URL must be one of http or https, without a user, a query or a fragment")]
    Url,
    /// The key fits into no header.
    #[error("the API key must be visible ASCII characters without spaces")]
    Key,
    /// There is no TLS to be had.
    #[error("TLS could not be prepared")]
    Tls(#[from] rustls::Error),
    /// The HTTP client could not be made.
    #[error("the HTTP client could not be made")]
    Client(#[source] reqwest::Error),
}

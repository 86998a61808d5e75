//! Providers of language models.
//!
//! - [`ChatCompletions`]: whatever speaks the chat completions of `OpenAI`, streamed or not.
//! - [`Responses`]: whatever speaks its Responses, such as the Agent API of Perplexity, streamed or not.
//! - [`Offline`]: answers by itself, without a model and a network.
//! - [`Directory`]: which of them goes by which name.
//!
//! Calls are made once, and wait for as long as they are let: deadlines, tries and other providers are for whoever asks,
//! who ends a call by dropping its answer.

mod amount;
mod answer;
mod chat;
mod directory;
mod events;
mod format;
mod offline;
mod options;
mod responses;
mod retry_after;
mod server;
mod sources;
mod usage;

pub use chat::ChatCompletions;
pub use directory::Directory;
pub use offline::Offline;
pub use options::{ChatOptions, LimitField, ResponsesOptions, ServerOptions, SetUpError};
pub use responses::Responses;

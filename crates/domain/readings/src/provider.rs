use std::time::Duration;

use async_trait::async_trait;

use crate::{Citation, Instructions, Manner, ModelName, NanoUsd, Question, Route, Temperature};

/// What a model is given. The question is data: it stands in a message of its own, is put into no template, and nothing
/// in it is replaced or followed.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// What the model is told first.
    pub instructions: Instructions,
    /// What it is asked.
    pub question: Question,
    /// How freely it chooses its words.
    pub temperature: Option<Temperature>,
    /// How many tokens it may write.
    pub max_completion_tokens: u32,
}

impl Prompt {
    /// What an advisor's models are given with a question.
    #[must_use]
    pub fn new(manner: &Manner, question: &Question, max_completion_tokens: u32) -> Self {
        let (instructions, temperature) = (manner.instructions.clone(), manner.temperature);
        Self { instructions, question: question.clone(), temperature, max_completion_tokens }
    }

    /// More tokens than any tokenizer makes of the prompt: one for each of its bytes, and some for what a provider wraps
    /// messages in.
    #[must_use]
    pub fn most_tokens(&self) -> u64 {
        const WRAPPING: usize = 64;
        let bytes = self.instructions.expose().len() + self.question.as_str().len() + WRAPPING;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

/// What tokens an answer took, as its provider tells it. Zero is a number, and differs from not being told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Tokens that the model was given.
    pub prompt_tokens: u64,
    /// Tokens that it wrote.
    pub completion_tokens: u64,
    /// What the provider asks for it, where it says so: fees included.
    pub cost: Option<NanoUsd>,
}

/// What comes of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum AnswerEvent {
    /// More text.
    Text(String),
    /// Where something comes from.
    Citation(Citation),
    /// What it took. If it comes again, the later one holds.
    Usage(Usage),
}

/// Why a provider gave no answer, or not all of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// It can't be reached.
    #[error("the provider can't be reached")]
    Unreachable,
    /// It wants to be left alone for a while.
    #[error("the provider asks for patience")]
    Throttled {
        /// For how long, if it says so.
        retry_after: Option<Duration>,
    },
    /// It is not well.
    #[error("the provider failed with status {status}")]
    Unavailable {
        /// Of HTTP.
        status: u16,
        /// When it may be well again, if it says so.
        retry_after: Option<Duration>,
    },
    /// It will not have this request, now or later.
    #[error("the provider refused the request with status {status}")]
    Refused {
        /// Of HTTP.
        status: u16,
    },
    /// It says itself that the answer failed.
    #[error("the provider reported a failure")]
    Failed,
    /// The answer broke off before its end.
    #[error("the answer broke off")]
    BrokenOff,
    /// The model has written as many tokens as it may, and was not done.
    #[error("the answer is longer than it may be")]
    CutShort,
    /// The answer is not in the provider's format.
    #[error("the answer can't be read")]
    Malformed,
    /// It was silent for too long, or took too long.
    #[error("the provider took too long")]
    TimedOut,
}

impl ProviderError {
    /// Whether the same request may be answered if it is sent again, by this provider or another.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            // Another provider may know the key or the model.
            Self::Refused { status } => matches!(status, 401 | 403 | 404),
            Self::CutShort => false,
            Self::Unreachable
            | Self::Throttled { .. }
            | Self::Unavailable { .. }
            | Self::Failed
            | Self::BrokenOff
            | Self::Malformed
            | Self::TimedOut => true,
        }
    }

    /// How long the provider wants to be left alone, if it says so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after } | Self::Unavailable { retry_after, .. } => *retry_after,
            Self::Unreachable
            | Self::Refused { .. }
            | Self::Failed
            | Self::BrokenOff
            | Self::CutShort
            | Self::Malformed
            | Self::TimedOut => None,
        }
    }
}

/// Somebody who runs models.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Asks a model. Whether and how the answer streams is the provider's business.
    ///
    /// # Errors
    /// [`ProviderError`]; whatever this answers carries nothing of the prompt.
    async fn ask(&self, model: &ModelName, prompt: &Prompt) -> Result<Box<dyn Answer>, ProviderError>;
}

/// An answer that is being given. Dropping it ends the call.
#[async_trait]
pub trait Answer: Send {
    /// What comes next; none once the provider has said that the answer is complete.
    ///
    /// # Errors
    /// [`ProviderError`], [`ProviderError::BrokenOff`] where the end was not announced; nothing comes after it.
    async fn next(&mut self) -> Result<Option<AnswerEvent>, ProviderError>;
}

/// Who can be asked.
pub trait Providers: Send + Sync {
    /// The provider of the route.
    fn of(&self, route: &Route) -> Option<&dyn Provider>;
}

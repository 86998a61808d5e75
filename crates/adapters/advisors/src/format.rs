use std::collections::VecDeque;

use serde_json::Value;
use serde_json::value::RawValue;
use tenantry_readings::{AnswerEvent, ProviderError};

use crate::events::Event;
use crate::sources::Sources;
use crate::usage::usage;

/// How a kind of provider writes its answers.
pub(crate) trait Format: Send {
    /// Reads an event of a streamed answer.
    ///
    /// # Errors
    /// [`ProviderError`] where the provider tells a failure, and where it can't be understood.
    fn event(&mut self, event: &Event, told: &mut Told) -> Result<Progress, ProviderError>;

    /// Reads an answer that came in one piece.
    ///
    /// # Errors
    /// The same.
    fn whole(&mut self, body: &[u8], told: &mut Told) -> Result<(), ProviderError>;
}

/// Whether an answer goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// There is more to come.
    More,
    /// It is complete.
    Over,
}

/// What was found in an answer, in its order.
#[derive(Default)]
pub(crate) struct Told {
    events: VecDeque<AnswerEvent>,
    sources: Sources,
    has_text: bool,
}

impl Told {
    pub(crate) fn next(&mut self) -> Option<AnswerEvent> {
        self.events.pop_front()
    }

    pub(crate) fn has_text(&self) -> bool {
        self.has_text
    }

    pub(crate) fn text(&mut self, text: String) {
        if !text.is_empty() {
            self.has_text = true;
            self.events.push_back(AnswerEvent::Text(text));
        }
    }

    pub(crate) fn source(&mut self, source: &Value) {
        self.sources.tell_one(source, &mut self.events);
    }

    pub(crate) fn sources(&mut self, list: &Value) {
        self.sources.tell(list, &mut self.events);
    }

    pub(crate) fn usage(&mut self, json: Option<&RawValue>) {
        self.events.extend(usage(json).map(AnswerEvent::Usage));
    }

    /// The end that the provider announced, with its reason if there is one. An answer without any text is a failure, and
    /// one that was cut at the most tokens that it may have is not whole, although the provider says no more.
    pub(crate) fn end(&self, reason: Option<&str>) -> Result<(), ProviderError> {
        match reason {
            Some("length" | "max_tokens" | "max_output_tokens") => Err(ProviderError::BrokenOff),
            Some("content_filter" | "error") => Err(ProviderError::Failed),
            _ if !self.has_text => Err(ProviderError::Failed),
            _ => Ok(()),
        }
    }
}

/// What JSON that can't be read means.
pub(crate) fn unread(error: &serde_json::Error) -> ProviderError {
    if error.is_eof() { ProviderError::BrokenOff } else { ProviderError::Malformed }
}

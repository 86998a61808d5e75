use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tenantry_kernel::{OrganizationId, Revision, UserId, text_value, typed_id};

use crate::{Advisor, AdvisorId, ModelName, NanoUsd, OnDisconnect, ProviderName, Route, Sequence};

typed_id! {
    /// Names a reading. Later ones sort behind earlier ones.
    ReadingId
}

text_value! {
    /// What somebody asks, 3 to 2,000 characters.
    Question, 3..=2000
}

/// How far a reading is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReadingStatus {
    /// It waits for a worker.
    Pending,
    /// It is being answered.
    Streaming,
    /// It has its whole answer.
    Completed,
    /// It has no answer, or the beginning of one.
    Failed,
    /// It was given up by who asked.
    Cancelled,
}

/// A text is not the name of a status. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be pending, streaming, completed, failed or cancelled")]
pub struct ReadingStatusError;

impl ReadingStatus {
    const ALL: [Self; 5] = [Self::Pending, Self::Streaming, Self::Completed, Self::Failed, Self::Cancelled];

    /// The name of the status, as the API and the databases spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Streaming => "streaming",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more happens to such a reading.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

impl FromStr for ReadingStatus {
    type Err = ReadingStatusError;

    fn from_str(name: &str) -> Result<Self, ReadingStatusError> {
        Self::ALL.into_iter().find(|status| status.as_str() == name).ok_or(ReadingStatusError)
    }
}

/// Why a reading failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No provider answered, or one broke off.
    Provider,
    /// A provider was silent for too long, or took too long.
    Timeout,
    /// The worker that wrote the answer down died, or had to stop.
    Interrupted,
    /// Whoever asked is no member any more, or the advisor is gone.
    Refused,
}

impl Failure {
    const ALL: [Self; 4] = [Self::Provider, Self::Timeout, Self::Interrupted, Self::Refused];

    /// The name that is stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Timeout => "timeout",
            Self::Interrupted => "interrupted",
            Self::Refused => "refused",
        }
    }

    /// The failure of this name.
    #[must_use]
    pub fn from_stored(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|failure| failure.as_str() == name)
    }
}

/// Where an answer has something from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// The address.
    pub url: String,
    /// What the page is called.
    pub title: Option<String>,
}

/// A question, and what an advisor makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Names it.
    pub id: ReadingId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Which member asked.
    pub user_id: UserId,
    /// Who was asked.
    pub advisor: AdvisorId,
    /// What was asked.
    pub question: Question,
    /// What the same question to the same advisor is found by.
    pub question_digest: Vec<u8>,
    /// The answer, as far as it is known; none while the reading is not over.
    pub response: Option<String>,
    /// Where the answer has it from.
    pub citations: Vec<Citation>,
    /// How far it is.
    pub status: ReadingStatus,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// Who answered.
    pub route: Option<Route>,
    /// How many tokens the model was given.
    pub prompt_tokens: u64,
    /// How many it wrote.
    pub completion_tokens: u64,
    /// What that cost.
    pub cost: NanoUsd,
    /// Whether tokens and cost are estimated, since the provider didn't tell.
    pub is_estimated: bool,
    /// Whether somebody wants it to stop.
    pub stop_requested: bool,
    /// Until when somebody listens, of an answer that is cancelled when nobody does.
    pub heard_until: Option<DateTime<Utc>>,
    /// When the question was asked.
    pub created_at: DateTime<Utc>,
    /// By when it has to be over.
    pub deadline: DateTime<Utc>,
    /// When it was over.
    pub completed_at: Option<DateTime<Utc>>,
    /// Where its stream ends; none while the reading is not over.
    pub over_at: Option<Sequence>,
    /// Its version.
    pub revision: Revision,
}

/// A question to an advisor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReading {
    /// An id that was reserved for it.
    pub id: Option<ReadingId>,
    /// Who is asked.
    pub advisor: AdvisorId,
    /// What.
    pub question: Question,
}

/// How a reading ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// A status that is over.
    pub status: ReadingStatus,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// What was answered.
    pub response: Option<String>,
    /// Where it has it from.
    pub citations: Vec<Citation>,
    /// The last place of its log; [`Sequence::ASKED`] if nothing was answered.
    pub last: Sequence,
    /// Who answered; none if nobody was asked.
    pub route: Option<Route>,
    /// What it cost.
    pub bill: Bill,
}

/// What an answer cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bill {
    /// How many tokens the model was given.
    pub prompt_tokens: u64,
    /// How many it wrote.
    pub completion_tokens: u64,
    /// What has to be paid: what the provider says, else what the tokens come to.
    pub cost: NanoUsd,
    /// What the tokens come to by the price table.
    pub computed: NanoUsd,
    /// Whether the provider told neither the cost nor the tokens.
    pub is_estimated: bool,
}

impl Reading {
    /// A reading that has just been asked for and waits.
    #[must_use]
    pub fn ask(
        new: NewReading,
        id: ReadingId,
        owner: (OrganizationId, UserId),
        advisor: &Advisor,
        (now, deadline): (DateTime<Utc>, DateTime<Utc>),
    ) -> Self {
        let heard_until = match advisor.manner.on_disconnect {
            OnDisconnect::Finish => None,
            OnDisconnect::CancelAfter(grace) => Some(now + grace),
        };
        Self {
            id,
            organization_id: owner.0,
            user_id: owner.1,
            advisor: new.advisor,
            question_digest: digest(advisor, &new.question),
            question: new.question,
            response: None,
            citations: Vec::new(),
            status: ReadingStatus::Pending,
            failure: None,
            route: None,
            prompt_tokens: 0,
            completion_tokens: 0,
            cost: NanoUsd::ZERO,
            is_estimated: false,
            stop_requested: false,
            heard_until,
            created_at: now,
            deadline,
            completed_at: None,
            over_at: None,
            revision: Revision::FIRST,
        }
    }

    /// The same, which is being answered.
    #[must_use]
    pub fn begun(self) -> Self {
        Self { status: ReadingStatus::Streaming, revision: self.revision.next(), ..self }
    }

    /// The same, which is over.
    #[must_use]
    pub fn ended(self, outcome: Outcome, now: DateTime<Utc>) -> Self {
        Self {
            status: outcome.status,
            failure: outcome.failure,
            response: outcome.response,
            citations: outcome.citations,
            route: outcome.route,
            prompt_tokens: outcome.bill.prompt_tokens,
            completion_tokens: outcome.bill.completion_tokens,
            cost: outcome.bill.cost,
            is_estimated: outcome.bill.is_estimated,
            completed_at: Some(now),
            over_at: Some(outcome.last.next()),
            revision: self.revision.next(),
            ..self
        }
    }

    /// The same as it was when it was asked for: the beginning of its stream, the same whenever it is read.
    #[must_use]
    pub fn as_asked(&self) -> Self {
        Self {
            response: None,
            citations: Vec::new(),
            status: ReadingStatus::Pending,
            failure: None,
            route: None,
            prompt_tokens: 0,
            completion_tokens: 0,
            cost: NanoUsd::ZERO,
            is_estimated: false,
            completed_at: None,
            over_at: None,
            revision: Revision::FIRST,
            ..self.clone()
        }
    }

    /// Whether its answer is given up when nobody listens.
    #[must_use]
    pub fn has_to_be_heard(&self) -> bool {
        self.heard_until.is_some() && !self.status.is_over()
    }

    /// How many tokens were used in all.
    #[must_use]
    pub fn tokens_used(&self) -> u64 {
        self.prompt_tokens.saturating_add(self.completion_tokens)
    }

    /// Who answered, if anybody was asked.
    #[must_use]
    pub fn provider(&self) -> Option<&ProviderName> {
        self.route.as_ref().map(|route| &route.provider)
    }

    /// Which model answered, if any was asked.
    #[must_use]
    pub fn model(&self) -> Option<&ModelName> {
        self.route.as_ref().map(|route| &route.model)
    }
}

impl Outcome {
    /// Nothing was answered, and nothing is to be paid.
    #[must_use]
    pub fn unanswered(status: ReadingStatus, failure: Option<Failure>) -> Self {
        let (response, citations, route, bill) = (None, Vec::new(), None, Bill::default());
        Self { status, failure, response, citations, last: Sequence::ASKED, route, bill }
    }
}

/// Differs as soon as anything differs that an answer depends on: the question, or how the advisor answers.
fn digest(advisor: &Advisor, question: &Question) -> Vec<u8> {
    let manner = &advisor.manner;
    let mut hash = Sha256::new();
    let mut take = |text: &str| {
        hash.update(text.len().to_be_bytes());
        hash.update(text);
    };
    take(advisor.id.as_str());
    take(question.as_str());
    take(manner.instructions.expose());
    for route in &manner.routes {
        take(route.provider.as_str());
        take(route.model.as_str());
    }
    take(&manner.temperature.map_or_else(String::new, |temperature| temperature.get().to_string()));
    hash.finalize().to_vec()
}

use chrono::{DateTime, Utc};
use serde::Serialize;
use tenantry_readings::{Citation, Reading};
use utoipa::ToSchema;
use uuid::Uuid;

/// A question, and what an advisor made of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reading)]
pub(crate) struct ReadingView {
    id: Uuid,
    /// Which member asked.
    user_id: Uuid,
    /// The id of the advisor.
    advisor: String,
    question: String,
    /// The answer; null until it is over, and where there was none.
    #[schema(required)]
    response: Option<String>,
    /// Where the answer has it from.
    citations: Vec<CitationView>,
    /// `pending`, `streaming`, `completed`, `failed` or `cancelled`.
    status: &'static str,
    /// Who ran the model; null until somebody answered.
    #[schema(required)]
    provider: Option<String>,
    #[schema(required)]
    model: Option<String>,
    prompt_tokens: u64,
    completion_tokens: u64,
    /// Both together.
    tokens_used: u64,
    /// In US dollars.
    #[schema(example = "0.0125")]
    cost: String,
    /// Whether tokens and cost are estimated, since the provider did not tell.
    cost_estimated: bool,
    created_at: DateTime<Utc>,
    #[schema(required)]
    completed_at: Option<DateTime<Utc>>,
}

/// Where an answer has something from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Citation)]
pub(crate) struct CitationView {
    url: String,
    #[schema(required)]
    title: Option<String>,
}

impl From<Citation> for CitationView {
    fn from(citation: Citation) -> Self {
        Self { url: citation.url, title: citation.title }
    }
}

impl From<Reading> for ReadingView {
    fn from(reading: Reading) -> Self {
        Self {
            id: reading.id.as_uuid(),
            user_id: reading.user_id.as_uuid(),
            advisor: reading.advisor.to_string(),
            provider: reading.provider().map(|provider| provider.as_str().to_owned()),
            model: reading.model().map(|model| model.as_str().to_owned()),
            tokens_used: reading.tokens_used(),
            question: reading.question.into_string(),
            response: reading.response,
            citations: reading.citations.into_iter().map(CitationView::from).collect(),
            status: reading.status.as_str(),
            prompt_tokens: reading.prompt_tokens,
            completion_tokens: reading.completion_tokens,
            cost: reading.cost.to_string(),
            cost_estimated: reading.is_estimated,
            created_at: reading.created_at,
            completed_at: reading.completed_at,
        }
    }
}

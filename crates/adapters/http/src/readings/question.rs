use serde::Deserialize;
use tenantry_readings::{AdvisorId, NewReading, Question, ReadingId};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{fields::Fields, problem::Problem};

/// A question to an advisor.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskAdvisor {
    /// The id of an advisor.
    #[schema(min_length = 1, max_length = 50)]
    advisor: String,
    #[schema(min_length = 3, max_length = 2000)]
    question: String,
}

impl AskAdvisor {
    pub(super) fn parse(self, reserved: Option<Uuid>) -> Result<NewReading, Problem> {
        let mut fields = Fields::new();
        let advisor = fields.parse("advisor", &self.advisor, AdvisorId::parse);
        let question = fields.parse("question", &self.question, Question::parse);
        let (advisor, question) = fields.finish((advisor, question))?;
        Ok(NewReading { id: reserved.map(ReadingId::from_uuid), advisor, question })
    }
}

//! What the founder asked advisors, and what they answered.

use tenantry_readings::{AdvisorId, NewReading, Question, ReadingError};
use tenantry_tenancy::TenantContext;

use super::story::QUESTIONS;
use crate::failure::Failure;
use crate::node::Node;

/// Asks where that costs nothing, and has the questions answered.
pub(super) async fn ask(node: &Node, founder: &TenantContext) -> Result<(), Failure> {
    if !node.settings.readings.is_offline() {
        return Ok(());
    }
    let readings = &node.services.readings;
    let mut asked = Vec::new();
    for (advisor, question) in QUESTIONS {
        let advisor = AdvisorId::parse(advisor).map_err(Failure::because)?;
        let question = Question::parse(question).map_err(Failure::because)?;
        let new = NewReading { id: None, advisor, question };
        match readings.ask(founder, new).await {
            Ok(reading) => asked.push(reading.id),
            // The operator has others.
            Err(ReadingError::UnknownAdvisor) => {}
            Err(error) => return Err(Failure::because(error)),
        }
    }
    let answered = async {
        for id in asked {
            // One that fails is shown as such.
            readings.wait(founder, id).await.ok();
        }
    };
    Box::pin(node.workers().run(answered)).await;
    Ok(())
}

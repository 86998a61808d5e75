use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use tenantry_jobs::{JobFailure, JobHandler, JobHandlers, JobRun, JobSignal, Queue};
use tenantry_readings::{READING_JOB, ReadingId};

use crate::{Generator, StopSignal};

/// How much longer than the answer may take a job may, to store how it ended.
const LAST_WORDS: Duration = Duration::from_mins(1);

/// Answers readings as jobs.
struct AnswerReading(Arc<Generator>);

/// What a job is about.
#[derive(Deserialize)]
struct Payload {
    reading_id: ReadingId,
}

/// The queue of readings, for a worker: so many answers at the same time in this process, and so many of one organisation
/// in all processes.
#[must_use]
pub fn queue(generator: Arc<Generator>, answers: u16, answers_of_one: Option<u16>) -> Queue {
    let handlers = JobHandlers::default().with(READING_JOB.name, Arc::new(AnswerReading(generator)));
    Queue { name: READING_JOB.queue, handlers, jobs: answers, most_of_one: answers_of_one }
}

#[async_trait]
impl JobHandler for AnswerReading {
    async fn handle(&self, mut run: JobRun) -> Result<(), JobFailure> {
        // One that can't be read now can't be later.
        let payload: Payload =
            serde_json::from_value(run.job.payload.clone()).map_err(|error| JobFailure::Final(error.into()))?;
        let lease = run.job.lease;
        let told = async move {
            match run.told_to_stop().await {
                JobSignal::Cancel => StopSignal::Cancel,
                JobSignal::Stop | JobSignal::GoOn => StopSignal::Drain,
            }
        };
        Ok(self.0.answer(lease, payload.reading_id, told).await?)
    }

    fn ends_its_jobs(&self) -> bool {
        true
    }

    fn time_limit(&self) -> Duration {
        self.0.time_limit() + LAST_WORDS
    }
}

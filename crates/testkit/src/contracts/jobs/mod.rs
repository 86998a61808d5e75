//! What every adapter of the queue of background jobs promises. All cases share one queue of jobs, so each has a name of
//! its own for it.

mod looking_after;
mod working;

use std::time::Duration;

use serde_json::json;
use tenantry_application::{ClaimedJob, JobEnd, JobRequest};
use tenantry_kernel::{Clock as _, IdGenerator as _, JobKind, JobLease, NewJob, SystemIds};

use crate::{Person, World};

pub use looking_after::JOB_CARE;
pub use working::JOBS;

const LEASE: Duration = Duration::from_mins(1);

/// A kind whose jobs wait in this queue.
fn kind(queue: &'static str) -> JobKind {
    JobKind { name: "test.fold", queue, max_attempts: 3 }
}

fn request<'r>(queue: &'r str, worker: &'r str, most: u16, world: &World) -> JobRequest<'r> {
    JobRequest { queue, worker, most, most_of_one: None, lease: LEASE, at: world.clock.now() }
}

impl World {
    fn new_job(&self, queue: &'static str) -> NewJob {
        NewJob::of_platform(kind(queue), json!({"a": [1, "ß"]}), self.clock.now(), &SystemIds)
    }

    fn job_of(&self, person: &Person, queue: &'static str) -> NewJob {
        self.new_job(queue).of(person.owner.organization_id(), person.user.id)
    }

    /// Asks for jobs in the person's name, in one transaction; tells which were new.
    async fn ask_for(&self, person: &Person, jobs: &[NewJob]) -> Vec<bool> {
        let mut transaction = self.ports.jobs.begin(&person.owner).await.expect("a transaction");
        let mut new = Vec::new();
        for job in jobs {
            new.push(transaction.jobs().enqueue(job).await.expect("a job"));
        }
        transaction.commit().await.expect("a commit");
        new
    }

    async fn take(&self, queue: &str, most: u16) -> Vec<ClaimedJob> {
        let worker = SystemIds.next_id().to_string();
        self.ports.job_queue.claim(&request(queue, &worker, most, self)).await.expect("jobs")
    }

    /// Takes jobs that their worker then does not hold on to.
    async fn take_and_die(&self, queue: &str) -> Vec<ClaimedJob> {
        let request = JobRequest { lease: Duration::ZERO, ..request(queue, "dying", 10, self) };
        let taken = self.ports.job_queue.claim(&request).await.expect("jobs");
        tokio::time::sleep(Duration::from_millis(5)).await;
        taken
    }

    /// Whether the worker still had the job.
    async fn end(&self, lease: JobLease, end: JobEnd) -> bool {
        let settled = self.ports.job_queue.settle(&[(lease, end)], self.clock.now()).await.expect("a settlement");
        settled == [lease.job_id]
    }
}

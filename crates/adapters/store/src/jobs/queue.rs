use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tenantry_application::ports::JobQueue;
use tenantry_application::{ClaimedJob, HeldJob, JobEnd, JobRequest, JobRetention, TendedJobs};
use tenantry_kernel::{JobId, JobLease, NewJob, StorageError, Transaction};

use super::statement::ROWS;
use crate::Database;
use crate::scope::Scope;
use crate::transaction::Mode;

#[async_trait]
impl JobQueue for Database {
    async fn enqueue(&self, job: &NewJob) -> Result<bool, StorageError> {
        let transaction = self.begin(Scope::platform(), Mode::Write).await?;
        let is_new = transaction.insert_job(job).await?;
        Box::new(transaction).commit().await?;
        Ok(is_new)
    }

    async fn claim(&self, request: &JobRequest<'_>) -> Result<Vec<ClaimedJob>, StorageError> {
        self.claim_jobs(request).await
    }

    async fn hold(&self, leases: &[JobLease], lease: Duration) -> Result<Vec<HeldJob>, StorageError> {
        let transaction = self.begin(Scope::platform(), Mode::Write).await?;
        let mut held = Vec::with_capacity(leases.len());
        for some in leases.chunks(ROWS) {
            held.extend(transaction.hold_jobs(some, lease).await?);
        }
        Box::new(transaction).commit().await?;
        Ok(held)
    }

    async fn settle(&self, ended: &[(JobLease, JobEnd)], at: DateTime<Utc>) -> Result<Vec<JobId>, StorageError> {
        let transaction = self.begin(Scope::platform(), Mode::Write).await?;
        let mut settled = Vec::with_capacity(ended.len());
        for some in ended.chunks(ROWS) {
            settled.extend(transaction.settle_jobs(some, at).await?);
        }
        Box::new(transaction).commit().await?;
        Ok(settled)
    }

    async fn tend(&self, at: DateTime<Utc>) -> Result<TendedJobs, StorageError> {
        self.tend_jobs(at).await
    }

    async fn sweep(&self, retention: JobRetention) -> Result<u64, StorageError> {
        self.sweep_jobs(retention).await
    }
}

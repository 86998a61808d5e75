//! What is done in the background, for those who look after it.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter};
use tenantry_application::ports::JobRegister;
use tenantry_application::{Job, JobFilter, JobState, MAIL_KIND, RUN_KIND};
use tenantry_identity::MailId;
use tenantry_kernel::{JobId, Page, PageRequest, StorageError};
use tenantry_sync::RunId;
use tenantry_sync::ports::RunRepository;

use super::row::{CANCELLED, DELAYED, FAILED, QUEUED, STARTED};
use crate::StoreTransaction;
use crate::error::storage;
use crate::scope::jobs::{ActiveModel, Column};

#[async_trait]
impl JobRegister for StoreTransaction {
    async fn list(&mut self, filter: &JobFilter, page: &PageRequest) -> Result<Page<Job>, StorageError> {
        let total = match page {
            PageRequest::Number { .. } => Some(self.count_work(filter).await?),
            PageRequest::After { .. } => None,
        };
        let jobs = self.list_work(filter, page).await?;
        Ok(Page::from_probe(jobs, page.limit(), total, Job::cursor))
    }

    async fn find(&mut self, id: JobId) -> Result<Option<Job>, StorageError> {
        self.find_work(id).await
    }

    async fn retry(&mut self, id: JobId, now: DateTime<Utc>) -> Result<bool, StorageError> {
        let Some(job) = self.find_work(id).await? else { return Ok(false) };
        let is_retried = match job.kind.as_str() {
            RUN_KIND => self.retry_run(RunId::from_uuid(id.as_uuid()), now).await?,
            MAIL_KIND => self.retry_mail(MailId::from_uuid(id.as_uuid()), now).await?,
            _ => self.retry_job(id, now).await?,
        };
        if is_retried {
            self.wanted_bells().add(&job.queue);
        }
        Ok(is_retried)
    }

    async fn cancel(&mut self, id: JobId, now: DateTime<Utc>) -> Result<bool, StorageError> {
        let Some(job) = self.find_work(id).await? else { return Ok(false) };
        match job.kind.as_str() {
            RUN_KIND if matches!(job.state, JobState::Pending | JobState::Running) => {
                RunRepository::cancel(self, RunId::from_uuid(id.as_uuid()), now).await?;
                Ok(true)
            }
            RUN_KIND => Ok(false),
            MAIL_KIND => self.drop_mail(MailId::from_uuid(id.as_uuid()), now).await,
            _ => self.cancel_job(id, now).await,
        }
    }
}

impl StoreTransaction {
    async fn retry_job(&self, id: JobId, now: DateTime<Utc>) -> Result<bool, StorageError> {
        let change = ActiveModel {
            state: Set(QUEUED.to_owned()),
            attempts: Set(0),
            crashes: Set(0),
            cancel_requested: Set(false),
            run_after_ms: Set(now.timestamp_millis()),
            lease_owner: Set(None),
            last_error: Set(None),
            started_at: Set(None),
            finished_at: Set(None),
            ..Default::default()
        };
        self.change_job(id, &[FAILED, CANCELLED], change).await
    }

    async fn cancel_job(&self, id: JobId, now: DateTime<Utc>) -> Result<bool, StorageError> {
        let change =
            ActiveModel { state: Set(CANCELLED.to_owned()), finished_at: Set(Some(now)), ..Default::default() };
        if self.change_job(id, &[QUEUED, DELAYED], change).await? {
            self.free_key(id).await?;
            return Ok(true);
        }
        let asked = ActiveModel { cancel_requested: Set(true), ..Default::default() };
        self.change_job(id, &[STARTED], asked).await
    }

    /// Changes the job if it is in one of these states; tells whether it was.
    async fn change_job(&self, id: JobId, from: &[&str], change: ActiveModel) -> Result<bool, StorageError> {
        let update = self
            .scope()
            .update_many::<Column>()
            .set(change)
            .filter(Column::Id.eq(id.as_uuid()))
            .filter(Column::State.is_in(from.iter().copied()));
        Ok(update.exec(self).await.map_err(storage)?.rows_affected == 1)
    }
}

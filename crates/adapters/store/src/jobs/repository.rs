use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter, UpdateMany};
use tenantry_kernel::{JobId, JobLease, JobRepository, NewJob, StorageError};

use super::row::{FINISHED, STARTED, new_row};
use crate::StoreTransaction;
use crate::error::storage;
use crate::scope::Scoped;
use crate::scope::jobs::{ActiveModel, Column};

/// The row of the lease that is still held.
fn held<E: Scoped>(update: UpdateMany<E>, lease: JobLease) -> UpdateMany<E> {
    update
        .filter(Column::Id.eq(lease.job_id.as_uuid()))
        .filter(Column::LeaseEpoch.eq(lease.epoch))
        .filter(Column::State.eq(STARTED))
}

impl StoreTransaction {
    /// Adds a job; tells whether it was new.
    pub(super) async fn insert_job(&self, job: &NewJob) -> Result<bool, StorageError> {
        let insert = self.scope().insert(new_row(job))?.on_conflict(OnConflict::new().do_nothing().to_owned());
        let inserted = insert.exec_without_returning(self).await.map_err(storage)?;
        if inserted == 1 {
            self.wanted_bells().add(job.kind.queue);
        }
        Ok(inserted == 1)
    }

    async fn change_held_job(&self, lease: JobLease, change: ActiveModel) -> Result<bool, StorageError> {
        let update = held(self.scope().update_many::<Column>().set(change), lease);
        Ok(update.exec(self).await.map_err(storage)?.rows_affected == 1)
    }
}

#[async_trait]
impl JobRepository for StoreTransaction {
    async fn enqueue(&mut self, job: &NewJob) -> Result<bool, StorageError> {
        self.insert_job(job).await
    }

    async fn hold(&mut self, lease: JobLease) -> Result<bool, StorageError> {
        // Changes nothing, and locks the row.
        let change = ActiveModel { lease_epoch: Set(lease.epoch), ..Default::default() };
        self.change_held_job(lease, change).await
    }

    async fn finish(&mut self, lease: JobLease, at: DateTime<Utc>) -> Result<bool, StorageError> {
        let change = ActiveModel {
            state: Set(FINISHED.to_owned()),
            lease_until_ms: Set(None),
            last_error: Set(None),
            finished_at: Set(Some(at)),
            ..Default::default()
        };
        let is_finished = self.change_held_job(lease, change).await?;
        if is_finished {
            self.free_key(lease.job_id).await?;
        }
        Ok(is_finished)
    }
}

impl StoreTransaction {
    /// The key of a job that has ended is free again, unless it was to be kept.
    pub(super) async fn free_key(&self, id: JobId) -> Result<(), StorageError> {
        let update = self
            .scope()
            .update_many::<Column>()
            .set(ActiveModel { unique_key: Set(None), ..Default::default() })
            .filter(Column::Id.eq(id.as_uuid()))
            .filter(Column::UniqueKey.is_not_null())
            .filter(Column::KeepsKey.eq(false));
        update.exec(self).await.map(|_| ()).map_err(storage)
    }
}

//! How jobs are stored.

use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::Set;
use tenantry_kernel::{JobKey, JobPriority, NewJob, OrganizationId};
use uuid::Uuid;

use crate::scope::jobs::ActiveModel;

pub(super) const QUEUED: &str = "queued";
pub(super) const DELAYED: &str = "delayed";
pub(super) const STARTED: &str = "started";
pub(super) const FINISHED: &str = "finished";
pub(super) const FAILED: &str = "failed";
pub(super) const CANCELLED: &str = "cancelled";

/// The row of a job that waits.
pub(super) fn new_row(job: &NewJob) -> ActiveModel {
    let waits = job.run_at.is_some_and(|time| time > job.created_at);
    ActiveModel {
        id: Set(job.id.as_uuid()),
        organization_id: Set(stored_owner(job.organization_id)),
        user_id: Set(job.user_id.map(Into::into)),
        queue: Set(job.kind.queue.to_owned()),
        kind: Set(job.kind.name.to_owned()),
        payload: Set(job.payload.clone()),
        priority: Set(stored_priority(job.priority)),
        state: Set(if waits { DELAYED } else { QUEUED }.to_owned()),
        unique_key: Set(job.key.as_ref().map(|key| key.as_str().to_owned())),
        keeps_key: Set(matches!(job.key, Some(JobKey::Once(_)))),
        attempts: Set(0),
        max_attempts: Set(i64::from(job.kind.max_attempts.max(1))),
        crashes: Set(0),
        cancel_requested: Set(false),
        run_after_ms: Set(job.run_at.unwrap_or(job.created_at).timestamp_millis()),
        lease_owner: Set(None),
        lease_epoch: Set(0),
        lease_until_ms: Set(None),
        last_error: Set(None),
        created_at: Set(job.created_at),
        started_at: Set(None),
        finished_at: Set(None),
    }
}

/// Whose a job is; the platform's own are nobody's.
pub(super) fn stored_owner(id: Option<OrganizationId>) -> Uuid {
    id.map_or_else(Uuid::nil, Into::into)
}

/// Whose a stored job is.
pub(super) fn owner(stored: Uuid) -> Option<OrganizationId> {
    (!stored.is_nil()).then(|| OrganizationId::from_uuid(stored))
}

fn stored_priority(priority: JobPriority) -> i16 {
    match priority {
        JobPriority::Low => -1,
        JobPriority::Normal => 0,
        JobPriority::High => 1,
    }
}

/// A time that was stored in milliseconds.
pub(super) fn time(milliseconds: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(milliseconds)
}

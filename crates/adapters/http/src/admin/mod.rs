//! Administering the platform, across all organizations.

mod cancel_job;
mod list_audit_log;
mod list_jobs;
mod list_organizations;
mod list_users;
mod retry_job;
mod stats;
mod update_organization;
mod update_user;
mod view;

pub(crate) use self::view::AccountView;
use crate::{operation, operations::Operations};

/// Registers the operations.
pub(crate) fn operations(operations: &mut Operations) {
    operation!(operations, stats);
    operation!(operations, list_users);
    operation!(operations, update_user);
    operation!(operations, list_organizations);
    operation!(operations, update_organization);
    operation!(operations, list_audit_log);
    operation!(operations, list_jobs);
    operation!(operations, retry_job);
    operation!(operations, cancel_job);
}

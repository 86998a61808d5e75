//! The one list of what is served and documented.

use crate::{
    admin, advisors, audit, auth, companies, cycles, health, invitations, members, metrics,
    operations::Operations,
    organizations, pages,
    problem::{self, explain},
    projects, readings, sync_sessions, tasks, uploads, users,
};

/// Every operation of the server.
#[must_use]
pub fn all() -> Operations {
    let mut operations = Operations::default();
    pages::operations(&mut operations);
    health::operations(&mut operations);
    metrics::operations(&mut operations);
    auth::operations(&mut operations);
    users::operations(&mut operations);
    organizations::operations(&mut operations);
    invitations::operations(&mut operations);
    companies::operations(&mut operations);
    members::operations(&mut operations);
    projects::operations(&mut operations);
    cycles::operations(&mut operations);
    sync_sessions::operations(&mut operations);
    uploads::operations(&mut operations);
    tasks::operations(&mut operations);
    advisors::operations(&mut operations);
    readings::operations(&mut operations);
    audit::operations(&mut operations);
    admin::operations(&mut operations);
    operations.root::<problem::__path_explain, _, _>(explain);
    operations
}

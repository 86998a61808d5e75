//! The one list of what is served and documented.

use crate::{
    auth, health, metrics,
    operations::Operations,
    organizations, pages,
    problem::{self, explain},
    tasks, users,
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
    tasks::operations(&mut operations);
    operations.root::<problem::__path_explain, _, _>(explain);
    operations
}

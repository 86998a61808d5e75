use std::collections::{BTreeMap, BTreeSet};

use tenantry_kernel::{Revision, UserId};
use tenantry_tasks::{Task, TaskId};
use tenantry_tenancy::{ProjectId, Role};

/// What one organisation has.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contents {
    pub(crate) members: BTreeMap<UserId, Role>,
    pub(crate) projects: BTreeSet<ProjectId>,
    pub(crate) tasks: BTreeMap<TaskId, Task>,
}

impl Contents {
    pub(crate) fn has(&self, id: TaskId, revision: Revision) -> bool {
        self.tasks.get(&id).is_some_and(|task| task.revision == revision)
    }
}

//! The cycle, and the folders that are brought into the object store.

use chrono::Duration;
use tenantry_kernel::{Clock as _, Store, SystemClock, SystemIds};
use tenantry_sync::ports::SyncTransaction;
use tenantry_sync::{
    Cycle, CycleDescription, CycleId, CycleName, CycleNumber, CycleStatus, LocalDirectory, NewCycle, NewSyncSession,
    Patterns, SyncSession, SyncSessionId,
};
use tenantry_tenancy::{ProjectId, StoragePrefix, TenantContext};

use super::story::{FOLDERS, Folder, ROUND, SYNCED};
use crate::failure::Failure;
use crate::node::Node;

/// Adds them as they are: the use cases would ask whether the server may read the folders, which are not there.
pub(super) async fn set_up(node: &Node, owner: &TenantContext, projects: &[ProjectId]) -> Result<(), Failure> {
    let store: &dyn Store<TenantContext, dyn SyncTransaction> = &node.database;
    let mut transaction = store.begin(owner).await.map_err(Failure::because)?;
    let cycle = cycle(owner, projects)?;
    transaction.cycles().insert(&cycle).await.map_err(Failure::because)?;
    for folder in &SYNCED {
        let session = session(owner, projects, folder, cycle.id)?;
        transaction.sync_sessions().insert(&session).await.map_err(Failure::because)?;
    }
    transaction.commit().await.map_err(Failure::because)
}

fn cycle(owner: &TenantContext, projects: &[ProjectId]) -> Result<Cycle, Failure> {
    let now = SystemClock.now();
    let name = CycleName::parse(ROUND.name).map_err(Failure::because)?;
    let number = CycleNumber::parse(ROUND.number).map_err(Failure::because)?;
    let new = NewCycle {
        s3_prefix: Some(StoragePrefix::parse(ROUND.s3_prefix).map_err(Failure::because)?),
        status: CycleStatus::Active,
        description: Some(CycleDescription::parse(ROUND.description).map_err(Failure::because)?),
        started_at: Some(now + Duration::days(ROUND.started_in_days)),
        ..NewCycle::numbered(project(projects, ROUND.project)?, name, number)
    };
    Ok(Cycle::create(new, CycleId::generate(&SystemIds), owner.organization_id(), now))
}

fn session(
    owner: &TenantContext,
    projects: &[ProjectId],
    folder: &Folder,
    cycle_id: CycleId,
) -> Result<SyncSession, Failure> {
    let directory = LocalDirectory::parse(&format!("{FOLDERS}/{}", folder.name)).map_err(Failure::because)?;
    let new = NewSyncSession {
        cycle_id: folder.is_of_round.then_some(cycle_id),
        include: patterns(folder.include)?,
        exclude: patterns(folder.exclude)?,
        ..NewSyncSession::of(project(projects, folder.project)?, directory)
    };
    let user_id = owner.user_id().map_err(Failure::because)?;
    Ok(SyncSession::create(
        new,
        SyncSessionId::generate(&SystemIds),
        owner.organization_id(),
        user_id,
        SystemClock.now(),
    ))
}

fn patterns(patterns: &[&str]) -> Result<Patterns, Failure> {
    Patterns::parse(patterns.iter().map(|pattern| (*pattern).to_owned()).collect()).map_err(Failure::because)
}

fn project(projects: &[ProjectId], place: usize) -> Result<ProjectId, Failure> {
    projects.get(place).copied().ok_or_else(|| Failure::because("the story tells of a project that is not there"))
}

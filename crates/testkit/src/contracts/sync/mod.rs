//! What every adapter of the ports of sync promises.

mod files;
mod runs;
mod sessions;

use tenantry_kernel::{Clock as _, SystemIds};
use tenantry_sync::ports::SyncTransaction;
use tenantry_sync::{
    Cycle, CycleId, CycleName, CycleNumber, Destination, LocalDirectory, NewCycle, NewSyncSession, Run, RunId, RunMode,
    RunState, SyncSession, SyncSessionId,
};
use tenantry_tenancy::{ProjectId, TenantContext};

use crate::{Person, World};

pub use files::SYNC_FILES;
pub use runs::SYNC_RUNS;
pub use sessions::SYNC_SESSIONS;

impl World {
    pub(in crate::contracts) async fn sync(&self, context: &TenantContext) -> Box<dyn SyncTransaction> {
        self.ports.sync.begin(context).await.expect("a transaction")
    }

    fn new_cycle(&self, context: &TenantContext, project_id: ProjectId, number: i64) -> Cycle {
        let (name, number) = (CycleName::parse("round").unwrap(), CycleNumber::parse(number).unwrap());
        let new = NewCycle::numbered(project_id, name, number);
        Cycle::create(new, CycleId::generate(&SystemIds), context.organization_id(), self.clock.now())
    }

    fn new_sync_session(&self, person: &Person, project_id: ProjectId) -> SyncSession {
        let new = NewSyncSession::of(project_id, LocalDirectory::parse("/srv/in").unwrap());
        let (id, organization_id) = (SyncSessionId::generate(&SystemIds), person.owner.organization_id());
        SyncSession::create(new, id, organization_id, person.user.id, self.clock.now())
    }

    pub(in crate::contracts) fn new_run(&self, session: &SyncSession) -> Run {
        let (id, now) = (RunId::generate(&SystemIds), self.clock.now());
        let whose = (session.organization_id, session.user_id);
        let destination = Destination { bucket: None, profile: None, prefix: format!("{}/p", session.organization_id) };
        Run {
            session_id: Some(session.id),
            session_revision: Some(session.revision),
            confirmed_deletions: 3,
            ..Run::queued(id, whose, session.project_id, RunMode::Full, destination, now)
        }
    }

    /// A stored session.
    pub(in crate::contracts) async fn sync_session(&self, person: &Person) -> SyncSession {
        let session = self.new_sync_session(person, self.project(&person.owner).await.id);
        let mut transaction = self.sync(&person.owner).await;
        assert!(transaction.sync_sessions().insert(&session).await.unwrap());
        transaction.commit().await.unwrap();
        session
    }

    /// A stored run of a session, its latest.
    pub(in crate::contracts) async fn run_of(&self, person: &Person, session: &SyncSession) -> Run {
        let run = self.new_run(session);
        let mut transaction = self.sync(&person.owner).await;
        assert!(transaction.runs().insert(&run).await.unwrap());
        transaction.sync_sessions().set_last_run(session.id, run.id).await.unwrap();
        transaction.commit().await.unwrap();
        run
    }

    /// A direct upload to a project of its own, as the store has it.
    async fn direct_run(&self, person: &Person) -> Run {
        let session = self.new_sync_session(person, self.project(&person.owner).await.id);
        let run = Run {
            session_id: None,
            session_revision: None,
            cycle_id: Some(CycleId::generate(&SystemIds)),
            mode: RunMode::Direct,
            state: RunState::Started,
            started_at: Some(self.clock.now()),
            ..self.new_run(&session)
        };
        let mut transaction = self.sync(&person.owner).await;
        assert!(transaction.runs().insert(&run).await.unwrap());
        transaction.commit().await.unwrap();
        run
    }

    pub(in crate::contracts) async fn found_run(&self, person: &Person, id: RunId) -> Option<Run> {
        let mut transaction = self.ports.sync.read(&person.owner).await.unwrap();
        transaction.runs().find(id).await.unwrap()
    }
}

use tenantry_kernel::{Clock as _, PageRequest, Precondition, Revision, SystemIds};
use tenantry_sync::{
    CycleChange, CycleFilter, CycleStatus, LocalDirectory, MaxWorkers, NewSyncSession, Patterns, Progress, Schedule,
    SessionFilter, SessionStatus, StoreCycleError, SyncSession, SyncSessionChange, SyncSessionId,
};
use tenantry_tenancy::StoragePrefix;

use crate::{World, contract::contract};

contract! {
    /// What every adapter promises of cycles and sync sessions.
    SYNC_SESSIONS(world: World)

    async fn u5_a_cycle_comes_back_as_it_was_stored_and_changed() {
        let person = world.person().await;
        let project = world.project(&person.owner).await.id;
        let cycle = world.new_cycle(&person.owner, project, 7);
        let mut transaction = world.sync(&person.owner).await;
        assert!(transaction.cycles().insert(&cycle).await.unwrap());
        assert!(!transaction.cycles().insert(&cycle).await.unwrap(), "a known id");
        assert_eq!(transaction.cycles().find(cycle.id).await.unwrap(), Some(cycle.clone()));
        let change = CycleChange {
            status: Some(CycleStatus::Active),
            s3_prefix: Some(Some(StoragePrefix::parse("a/b").unwrap())),
            started_at: Some(Some(world.clock.now())),
            ..CycleChange::default()
        };
        let changed = cycle.clone().changed(change, world.clock.now());
        assert!(transaction.cycles().update(&changed, cycle.revision).await.unwrap());
        assert!(!transaction.cycles().update(&changed, cycle.revision).await.unwrap(), "an old revision");
        assert_eq!(transaction.cycles().find(cycle.id).await.unwrap(), Some(changed.clone()));
        assert!(!transaction.cycles().delete(cycle.id, cycle.revision).await.unwrap(), "an old revision");
        assert!(transaction.cycles().delete(cycle.id, changed.revision).await.unwrap());
        assert_eq!(transaction.cycles().find(cycle.id).await.unwrap(), None);
    }

    async fn u5_a_number_is_taken_once_in_a_project() {
        let person = world.person().await;
        let (project, other) = (world.project(&person.owner).await.id, world.project(&person.owner).await.id);
        let mut transaction = world.sync(&person.owner).await;
        transaction.cycles().insert(&world.new_cycle(&person.owner, project, 1)).await.unwrap();
        let second = world.new_cycle(&person.owner, project, 2);
        transaction.cycles().insert(&second).await.unwrap();
        transaction.cycles().insert(&world.new_cycle(&person.owner, other, 1)).await.unwrap();
        transaction.commit().await.unwrap();
        let mut transaction = world.sync(&person.owner).await;
        let twin = world.new_cycle(&person.owner, project, 1);
        assert!(matches!(transaction.cycles().insert(&twin).await, Err(StoreCycleError::NumberTaken)));
        drop(transaction);
        let mut transaction = world.sync(&person.owner).await;
        let renumbered = tenantry_sync::Cycle { number: twin.number, ..second.clone() };
        let outcome = transaction.cycles().update(&renumbered, second.revision).await;
        assert!(matches!(outcome, Err(StoreCycleError::NumberTaken)));
    }

    async fn u5_cycles_are_listed_by_project_and_status() {
        let person = world.person().await;
        let (project, other) = (world.project(&person.owner).await.id, world.project(&person.owner).await.id);
        let mut transaction = world.sync(&person.owner).await;
        for (project, number, status) in [(project, 1, CycleStatus::Planned), (project, 2, CycleStatus::Active), (other, 1, CycleStatus::Active)] {
            let cycle = tenantry_sync::Cycle { status, ..world.new_cycle(&person.owner, project, number) };
            transaction.cycles().insert(&cycle).await.unwrap();
        }
        for (project_id, status, expected) in [(None, None, 3), (Some(project), None, 2), (Some(project), Some(CycleStatus::Active), 1), (None, Some(CycleStatus::Archived), 0)] {
            let filter = CycleFilter { project_id, status };
            let page = transaction.cycles().list(filter, &PageRequest::default()).await.unwrap();
            assert_eq!((page.items.len(), page.total), (usize::try_from(expected).unwrap(), Some(expected)));
        }
        transaction.cycles().delete_of_project(project).await.unwrap();
        let page = transaction.cycles().list(CycleFilter::default(), &PageRequest::default()).await.unwrap();
        assert_eq!(page.items.iter().map(|cycle| cycle.project_id).collect::<Vec<_>>(), [other]);
    }

    async fn u6_a_session_comes_back_as_it_was_stored_and_changed() {
        let person = world.person().await;
        let project = world.project(&person.owner).await.id;
        let cycle = world.new_cycle(&person.owner, project, 1);
        let mut transaction = world.sync(&person.owner).await;
        transaction.cycles().insert(&cycle).await.unwrap();
        let new = NewSyncSession {
            cycle_id: Some(cycle.id),
            s3_prefix: Some(StoragePrefix::parse("x").unwrap()),
            include: Patterns::parse(vec!["*.csv".to_owned()]).unwrap(),
            schedule: Some(Schedule::parse("0 3 * * *").unwrap()),
            ..NewSyncSession::of(project, LocalDirectory::parse("/srv/ünï").unwrap())
        };
        let id = SyncSessionId::generate(&SystemIds);
        let session = SyncSession::create(new, id, person.owner.organization_id(), person.user.id, world.clock.now());
        assert!(transaction.sync_sessions().insert(&session).await.unwrap());
        assert!(!transaction.sync_sessions().insert(&session).await.unwrap(), "a known id");
        assert_eq!(transaction.sync_sessions().find(id).await.unwrap(), Some(session.clone()));
        assert!(transaction.sync_sessions().any_of_cycle(cycle.id).await.unwrap());
        let change = SyncSessionChange { max_workers: Some(MaxWorkers::parse(256).unwrap()), cycle_id: Some(None), ..Default::default() };
        let changed = session.clone().changed(change, world.clock.now());
        assert!(transaction.sync_sessions().update(&changed, Revision::FIRST).await.unwrap());
        assert!(!transaction.sync_sessions().update(&changed, Revision::FIRST).await.unwrap(), "an old revision");
        assert_eq!(transaction.sync_sessions().find(id).await.unwrap(), Some(changed.clone()));
        assert!(!transaction.sync_sessions().any_of_cycle(cycle.id).await.unwrap());
        assert!(Precondition::None.allows(changed.revision));
        assert!(!transaction.sync_sessions().delete(id, Revision::FIRST).await.unwrap(), "an old revision");
        assert!(transaction.sync_sessions().delete(id, changed.revision).await.unwrap());
        assert_eq!(transaction.sync_sessions().find(id).await.unwrap(), None);
    }

    async fn u6_sessions_are_listed_and_added_up_by_what_became_of_them() {
        let person = world.person().await;
        let waiting = world.sync_session(&person).await;
        let started = world.sync_session(&person).await;
        let run = world.run_of(&person, &started).await;
        let mut transaction = world.sync(&person.owner).await;
        transaction.runs().cancel(run.id, world.clock.now()).await.unwrap();
        let pending = SessionFilter { status: Some(SessionStatus::Pending), ..SessionFilter::default() };
        let page = transaction.sync_sessions().list(pending, &PageRequest::default()).await.unwrap();
        assert_eq!(page.items.iter().map(|session| session.id).collect::<Vec<_>>(), [waiting.id]);
        let cancelled = SessionFilter { status: Some(SessionStatus::Cancelled), project_id: Some(started.project_id), cycle_id: None };
        let page = transaction.sync_sessions().list(cancelled, &PageRequest::default()).await.unwrap();
        assert_eq!(page.items.len(), 1);
        assert_eq!(page.items[0].last_run.as_ref().map(|run| run.id), Some(run.id));
        let mut stats = transaction.sync_sessions().stats(SessionFilter::default()).await.unwrap();
        stats.by_status.sort_by_key(|(status, _)| status.as_str());
        assert_eq!(stats.by_status, [(SessionStatus::Cancelled, 1), (SessionStatus::Pending, 1)]);
        assert_eq!(stats.progress, Progress::default());
    }

    async fn u6_a_session_takes_its_runs_along_and_a_project_its_sessions() {
        let person = world.person().await;
        let session = world.sync_session(&person).await;
        let run = world.run_of(&person, &session).await;
        let mut transaction = world.sync(&person.owner).await;
        assert_eq!(transaction.runs().active_of_project(session.project_id).await.unwrap(), Some(run.id));
        assert_eq!(transaction.runs().active_of_session(session.id).await.unwrap(), Some(run.id));
        transaction.sync_sessions().delete_of_project(session.project_id).await.unwrap();
        assert_eq!(transaction.sync_sessions().find(session.id).await.unwrap(), None);
        assert_eq!(transaction.runs().find(run.id).await.unwrap(), None);
    }

    async fn u8_sessions_are_due_when_their_schedule_comes() {
        let person = world.person().await;
        let session = world.sync_session(&person).await;
        let now = world.clock.now();
        let mut transaction = world.sync(&person.owner).await;
        transaction.sync_sessions().set_next_run(session.id, Some(now)).await.unwrap();
        transaction.commit().await.unwrap();
        let is_due = async |at| {
            let due = world.ports.run_queue.due(at, 1_000).await.unwrap();
            due.iter().any(|due| due.session_id == session.id && due.user_id == person.user.id)
        };
        assert!(!is_due(now - chrono::Duration::seconds(1)).await);
        assert!(is_due(now).await);
        let mut transaction = world.sync(&person.owner).await;
        transaction.sync_sessions().set_next_run(session.id, None).await.unwrap();
        transaction.commit().await.unwrap();
        assert!(!is_due(now).await);
    }

    async fn c6_nobody_sees_or_changes_another_organisations_cycles() {
        let (person, other) = (world.person().await, world.person().await);
        let project = world.project(&person.owner).await.id;
        let cycle = world.new_cycle(&person.owner, project, 1);
        let mut transaction = world.sync(&person.owner).await;
        transaction.cycles().insert(&cycle).await.unwrap();
        transaction.commit().await.unwrap();
        let mut theirs = world.sync(&other.owner).await;
        assert_eq!(theirs.cycles().find(cycle.id).await.unwrap(), None);
        assert_eq!(theirs.destinations().project(project).await.unwrap(), None);
        assert!(theirs.cycles().list(CycleFilter::default(), &PageRequest::default()).await.unwrap().items.is_empty());
        let changed = cycle.clone().changed(CycleChange::default(), world.clock.now());
        assert!(!theirs.cycles().update(&changed, cycle.revision).await.unwrap());
        assert!(!theirs.cycles().delete(cycle.id, cycle.revision).await.unwrap());
        theirs.cycles().delete_of_project(project).await.unwrap();
        theirs.commit().await.unwrap();
        let mut theirs = world.sync(&other.owner).await;
        assert!(theirs.cycles().insert(&world.new_cycle(&person.owner, project, 2)).await.is_err());
        drop(theirs);
        assert_eq!(world.sync(&person.owner).await.cycles().find(cycle.id).await.unwrap(), Some(cycle));
    }

    async fn c6_nobody_sees_or_changes_another_organisations_sessions() {
        let (person, other) = (world.person().await, world.person().await);
        let session = world.sync_session(&person).await;
        let mut theirs = world.sync(&other.owner).await;
        assert_eq!(theirs.sync_sessions().find(session.id).await.unwrap(), None);
        assert!(theirs.sync_sessions().stats(SessionFilter::default()).await.unwrap().by_status.is_empty());
        let changed = session.clone().changed(SyncSessionChange::default(), world.clock.now());
        assert!(!theirs.sync_sessions().update(&changed, session.revision).await.unwrap());
        assert!(!theirs.sync_sessions().delete(session.id, session.revision).await.unwrap());
        theirs.sync_sessions().delete_of_project(session.project_id).await.unwrap();
        theirs.commit().await.unwrap();
        let mut theirs = world.sync(&other.owner).await;
        assert!(theirs.sync_sessions().insert(&world.new_sync_session(&person, session.project_id)).await.is_err());
        drop(theirs);
        let mut own = world.sync(&person.owner).await;
        assert_eq!(own.sync_sessions().find(session.id).await.unwrap(), Some(session));
    }
}

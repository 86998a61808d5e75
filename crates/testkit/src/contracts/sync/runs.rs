use std::time::Duration;

use tenantry_application::ports::PurgeLimits;
use tenantry_kernel::{Clock as _, IdGenerator as _, SystemIds};
use tenantry_sync::{
    Advance, Claim, Hold, Lease, Progress, Run, RunEnd, RunId, RunState, Scanned, Warning, WarningKind, WorkerName,
};

use crate::{Person, World, contract::contract};

const LEASE: Duration = Duration::from_mins(1);

impl World {
    /// Takes runs until this person's comes; those of other cases stay taken.
    pub(in crate::contracts) async fn claim(
        &self,
        person: &Person,
        lease: Duration,
        most_of_one: u16,
    ) -> Option<Claim> {
        let worker = WorkerName::new(SystemIds.next_id().to_string());
        loop {
            let claim = self.ports.run_queue.claim(&worker, lease, most_of_one, self.clock.now()).await.unwrap()?;
            if claim.organization_id == person.owner.organization_id() {
                return Some(claim);
            }
        }
    }

    async fn hold(&self, person: &Person, lease: Lease) -> Hold {
        let mut transaction = self.sync(&person.owner).await;
        let hold = transaction.runs().hold(lease, LEASE).await.unwrap();
        transaction.commit().await.unwrap();
        hold
    }
}

contract! {
    /// What every adapter promises of runs and their leases.
    SYNC_RUNS(world: World)

    async fn u7_a_run_comes_back_as_it_was_stored() {
        let person = world.person().await;
        let session = world.sync_session(&person).await;
        let run = Run {
            progress: Progress { total_files: 3, total_bytes: 1 << 40, ..Progress::default() },
            bytes_per_second: Some(7),
            ..world.new_run(&session)
        };
        let mut transaction = world.sync(&person.owner).await;
        assert!(transaction.runs().insert(&run).await.unwrap());
        assert!(!transaction.runs().insert(&run).await.unwrap(), "a known id");
        assert_eq!(transaction.runs().find(run.id).await.unwrap(), Some(run));
    }

    async fn u7_a_session_has_one_active_run() {
        let person = world.person().await;
        let session = world.sync_session(&person).await;
        let first = world.run_of(&person, &session).await;
        let mut transaction = world.sync(&person.owner).await;
        assert!(transaction.runs().insert(&world.new_run(&session)).await.is_err());
        drop(transaction);
        let mut transaction = world.sync(&person.owner).await;
        transaction.runs().cancel(first.id, world.clock.now()).await.unwrap();
        assert!(transaction.runs().insert(&world.new_run(&session)).await.unwrap());
    }

    async fn u8_a_run_is_taken_once() {
        let person = world.person().await;
        let run = world.run_of(&person, &world.sync_session(&person).await).await;
        let claim = world.claim(&person, LEASE, 1).await.unwrap();
        assert_eq!((claim.lease.run_id, claim.user_id), (run.id, person.user.id));
        assert_eq!(world.claim(&person, LEASE, 1).await, None);
        let started = world.found_run(&person, run.id).await.unwrap();
        assert_eq!((started.state, started.started_at), (RunState::Started, Some(world.clock.now())));
    }

    async fn u8_one_organisation_has_so_many_runs_at_once() {
        let person = world.person().await;
        let mut sessions = Vec::new();
        for _ in 0..3 {
            sessions.push(world.sync_session(&person).await);
        }
        let mut runs = Vec::new();
        for session in &sessions {
            runs.push(world.run_of(&person, session).await.id);
        }
        let first = world.claim(&person, LEASE, 2).await.unwrap();
        let second = world.claim(&person, LEASE, 2).await.unwrap();
        assert_eq!([first.lease.run_id, second.lease.run_id], runs[..2], "the oldest first");
        assert_eq!(world.claim(&person, LEASE, 2).await, None);
        let mut transaction = world.sync(&person.owner).await;
        transaction.runs().finish(first.lease, &RunEnd::Finished, world.clock.now()).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(world.claim(&person, LEASE, 2).await.unwrap().lease.run_id, runs[2]);
    }

    async fn u8_organisations_take_turns() {
        let (person, other) = (world.person().await, world.person().await);
        for person in [&person, &person, &other, &other] {
            world.run_of(person, &world.sync_session(person).await).await;
        }
        let worker = WorkerName::new("turns".to_owned());
        let mut served = Vec::new();
        while let Some(claim) = world.ports.run_queue.claim(&worker, LEASE, 9, world.clock.now()).await.unwrap() {
            served.push(claim.organization_id);
            // Turns are told apart by milliseconds.
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        let ours = [person.owner.organization_id(), other.owner.organization_id()];
        served.retain(|id| ours.contains(id));
        assert_eq!(served.len(), 4);
        assert_ne!(served[0], served[1]);
        assert_ne!(served[2], served[3]);
    }

    async fn u8_what_a_worker_writes_counts_only_while_it_holds_the_run() {
        let person = world.person().await;
        let run = world.run_of(&person, &world.sync_session(&person).await).await;
        let lost = world.claim(&person, Duration::ZERO, 1).await.unwrap().lease;
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert!(world.ports.run_queue.reap(world.clock.now()).await.unwrap() >= 1);
        let requeued = world.found_run(&person, run.id).await.unwrap();
        assert_eq!((requeued.state, requeued.crashes), (RunState::Queued, 1));
        let held = world.claim(&person, LEASE, 1).await.unwrap().lease;
        assert!(held.epoch > lost.epoch);
        let now = world.clock.now();
        assert_eq!(world.hold(&person, lost).await, Hold::Lost);
        let mut transaction = world.sync(&person.owner).await;
        assert!(!transaction.runs().advance(lost, &Advance::default(), now).await.unwrap());
        assert!(!transaction.runs().scanned(lost, &Scanned::default(), now).await.unwrap());
        assert!(!transaction.runs().release(lost, now).await.unwrap());
        assert!(!transaction.runs().finish(lost, &RunEnd::Finished, now).await.unwrap());
        transaction.commit().await.unwrap();
        assert_eq!(world.hold(&person, held).await, Hold::Held);
        assert_eq!(world.found_run(&person, run.id).await.unwrap().state, RunState::Started);
    }

    async fn u8_a_run_over_which_workers_die_is_given_up() {
        let person = world.person().await;
        let run = world.run_of(&person, &world.sync_session(&person).await).await;
        // Later ones wait for longer than a test does: the first is what counts, and the last.
        world.claim(&person, Duration::ZERO, 1).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
        world.ports.run_queue.reap(world.clock.now()).await.unwrap();
        world.claim(&person, Duration::ZERO, 1).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
        world.ports.run_queue.reap(world.clock.now()).await.unwrap();
        assert_eq!(world.found_run(&person, run.id).await.unwrap().crashes, 2);
        assert_eq!(world.claim(&person, Duration::ZERO, 1).await, None, "it waits before it is tried again");
    }

    async fn u8_deaths_are_counted_anew_where_a_run_got_on() {
        let person = world.person().await;
        let run = world.run_of(&person, &world.sync_session(&person).await).await;
        for is_first in [true, false] {
            let lease = world.claim(&person, Duration::ZERO, 1).await.unwrap().lease;
            if !is_first {
                let mut transaction = world.sync(&person.owner).await;
                let advance = Advance { number: 1, ..Advance::default() };
                assert!(transaction.runs().advance(lease, &advance, world.clock.now()).await.unwrap());
                transaction.commit().await.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
            world.ports.run_queue.reap(world.clock.now()).await.unwrap();
            assert_eq!(world.found_run(&person, run.id).await.unwrap().crashes, 1);
        }
        // It has no credit of what was done before it was taken.
        world.claim(&person, Duration::ZERO, 1).await.expect("a run that does not wait");
        tokio::time::sleep(Duration::from_millis(5)).await;
        world.ports.run_queue.reap(world.clock.now()).await.unwrap();
        assert_eq!(world.found_run(&person, run.id).await.unwrap().crashes, 2);
    }

    async fn u7_progress_is_added_up_and_the_totals_replace_it() {
        let person = world.person().await;
        let run = world.run_of(&person, &world.sync_session(&person).await).await;
        let lease = world.claim(&person, LEASE, 1).await.unwrap().lease;
        let (now, mut transaction) = (world.clock.now(), world.sync(&person.owner).await);
        let scanned = Scanned {
            progress: Progress { total_files: 5, files_skipped: 2, total_bytes: 100, ..Progress::default() },
            warnings: vec![Warning { kind: WarningKind::Symlink, path: "a".to_owned() }],
            warning_count: 1,
        };
        assert!(transaction.runs().scanned(lease, &scanned, now).await.unwrap());
        let advance = |number| Advance {
            number,
            progress: Progress { files_uploaded: 1, bytes_uploaded: 40, ..Progress::default() },
            bytes_per_second: Some(9),
            files_per_second: Some(1),
            bytes_undone: 10,
            bytes_spared: 20,
        };
        // The second is written down twice, as when its first answer was lost.
        for number in [1, 2, 2] {
            assert!(transaction.runs().advance(lease, &advance(number), now).await.unwrap());
        }
        assert!(transaction.runs().finish(lease, &RunEnd::Failed("why".to_owned()), now).await.unwrap());
        assert!(!transaction.runs().advance(lease, &advance(3), now).await.unwrap(), "it has ended");
        transaction.commit().await.unwrap();
        let ended = world.found_run(&person, run.id).await.unwrap();
        let progress = Progress { files_uploaded: 2, bytes_uploaded: 60, total_bytes: 60, ..scanned.progress };
        assert_eq!((ended.progress, ended.is_scanned, ended.error.as_deref()), (progress, true, Some("why")));
        assert_eq!((ended.state, ended.finished_at, ended.bytes_per_second), (RunState::Failed, Some(now), Some(9)));
        assert_eq!((ended.warnings, ended.warning_count), (scanned.warnings, 1));
    }

    async fn u7_a_queued_run_is_cancelled_at_once_and_a_started_one_is_asked_to_end() {
        let person = world.person().await;
        let session = world.sync_session(&person).await;
        let queued = world.run_of(&person, &session).await;
        let mut transaction = world.sync(&person.owner).await;
        transaction.runs().cancel(queued.id, world.clock.now()).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(world.found_run(&person, queued.id).await.unwrap().state, RunState::Cancelled);
        let started = world.run_of(&person, &session).await;
        let lease = world.claim(&person, LEASE, 1).await.unwrap().lease;
        let mut transaction = world.sync(&person.owner).await;
        transaction.runs().cancel(started.id, world.clock.now()).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(world.hold(&person, lease).await, Hold::CancelRequested);
        assert!(world.found_run(&person, started.id).await.unwrap().cancel_requested);
    }

    async fn u8_a_released_run_is_the_next_workers() {
        let person = world.person().await;
        world.run_of(&person, &world.sync_session(&person).await).await;
        let first = world.claim(&person, LEASE, 1).await.unwrap().lease;
        let mut transaction = world.sync(&person.owner).await;
        assert!(transaction.runs().release(first, world.clock.now()).await.unwrap());
        transaction.commit().await.unwrap();
        let second = world.claim(&person, LEASE, 1).await.unwrap().lease;
        assert!(second.run_id == first.run_id && second.epoch > first.epoch);
        assert_eq!(world.hold(&person, first).await, Hold::Lost);
    }

    async fn u7_a_direct_upload_is_active_and_no_workers() {
        let person = world.person().await;
        let direct = world.direct_run(&person).await;
        assert_eq!(world.found_run(&person, direct.id).await, Some(direct.clone()));
        let mut transaction = world.sync(&person.owner).await;
        assert_eq!(transaction.runs().active_of_project(direct.project_id).await.unwrap(), Some(direct.id));
        let cycle_id = direct.cycle_id.unwrap();
        assert_eq!(transaction.runs().active_of_cycle(cycle_id).await.unwrap(), Some(direct.id));
        drop(transaction);
        assert_eq!(world.claim(&person, LEASE, 9).await, None);
        world.ports.run_queue.reap(world.clock.now()).await.unwrap();
        // Nor does it stand in the way of runs that are.
        let run = world.run_of(&person, &world.sync_session(&person).await).await;
        assert_eq!(world.claim(&person, LEASE, 1).await.unwrap().lease.run_id, run.id);
        assert_eq!(world.found_run(&person, direct.id).await, Some(direct.clone()));
        let ended = direct.ended(&RunEnd::Cancelled, world.clock.now());
        let mut transaction = world.sync(&person.owner).await;
        transaction.runs().update_direct(&ended).await.unwrap();
        assert_eq!(transaction.runs().active_of_project(ended.project_id).await.unwrap(), None);
        assert_eq!(transaction.runs().active_of_cycle(cycle_id).await.unwrap(), None);
    }

    async fn u7_only_direct_uploads_are_written_down_from_outside() {
        let (person, other) = (world.person().await, world.person().await);
        let direct = world.direct_run(&person).await;
        let progress = Progress {
            total_files: 4,
            files_uploaded: 1,
            files_skipped: 1,
            files_failed: 2,
            total_bytes: 1 << 40,
            bytes_uploaded: 7,
            ..Progress::default()
        };
        let end = RunEnd::Failed("why".to_owned());
        let ended = Run { progress, is_scanned: true, ..direct.clone() }.ended(&end, world.clock.now());
        let mut theirs = world.sync(&other.owner).await;
        theirs.runs().update_direct(&ended).await.unwrap();
        theirs.commit().await.unwrap();
        assert_eq!(world.found_run(&person, direct.id).await, Some(direct));
        let run = world.run_of(&person, &world.sync_session(&person).await).await;
        let mut transaction = world.sync(&person.owner).await;
        transaction.runs().update_direct(&ended).await.unwrap();
        transaction.runs().update_direct(&Run { progress, ..run.clone() }).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(world.found_run(&person, ended.id).await, Some(ended));
        assert_eq!(world.found_run(&person, run.id).await, Some(run));
    }

    async fn u7_direct_uploads_that_nobody_goes_on_with_are_ended() {
        let (person, other) = (world.person().await, world.person().await);
        let (idle, theirs, busy) =
            (world.direct_run(&person).await, world.direct_run(&other).await, world.direct_run(&person).await);
        let (now, hour) = (world.clock.now(), chrono::TimeDelta::hours(1));
        for (person, run) in [(&person, &idle), (&other, &theirs)] {
            let mut transaction = world.sync(&person.owner).await;
            transaction.runs().update_direct(&Run { updated_at: now - hour, ..run.clone() }).await.unwrap();
            transaction.commit().await.unwrap();
        }
        let session = world.sync_session(&person).await;
        let queued = world.run_of(&person, &session).await;
        let ended = world.ports.run_queue.end_idle(now - hour / 2, now).await.unwrap();
        let ids: Vec<_> = ended.iter().map(|run| run.id).collect();
        assert!(ids.contains(&idle.id) && ids.contains(&theirs.id), "of every organisation");
        assert!(!ids.contains(&busy.id) && !ids.contains(&queued.id));
        let found = world.found_run(&person, idle.id).await.unwrap();
        assert_eq!((found.state, found.finished_at), (RunState::Failed, Some(now)));
        assert!(found.error.as_deref().is_some_and(|error| error.contains("given up")));
        assert!(ended.contains(&found));
        assert_eq!(world.found_run(&person, busy.id).await.unwrap().state, RunState::Started);
        let again = world.ports.run_queue.end_idle(now - hour / 2, now).await.unwrap();
        assert!(!again.iter().any(|run| ids.contains(&run.id)));
    }

    async fn u7_runs_that_ended_are_removed_in_time_but_for_the_latest_of_a_session() {
        let (person, other) = (world.person().await, world.person().await);
        let (session, theirs) = (world.sync_session(&person).await, world.sync_session(&other).await);
        let mut ended = Vec::new();
        for (person, session) in [(&person, &session), (&person, &session), (&other, &theirs)] {
            let run = world.run_of(person, session).await;
            let mut transaction = world.sync(&person.owner).await;
            transaction.runs().cancel(run.id, world.clock.now()).await.unwrap();
            transaction.commit().await.unwrap();
            ended.push((person, run.id));
        }
        let (busy, active) = (world.sync_session(&person).await, world.direct_run(&person).await);
        let queued = world.run_of(&person, &busy).await;
        let direct = world.direct_run(&person).await.ended(&RunEnd::Finished, world.clock.now());
        let mut transaction = world.sync(&person.owner).await;
        transaction.runs().update_direct(&direct).await.unwrap();
        transaction.commit().await.unwrap();
        let at = world.clock.now();
        let early = PurgeLimits { runs_ended_by: at - Duration::from_micros(1), ..PurgeLimits::expired_by(at) };
        world.ports.housekeeping.purge(early).await.unwrap();
        assert!(world.found_run(&person, ended[0].1).await.is_some());
        let due = PurgeLimits { runs_ended_by: at, ..early };
        assert!(world.ports.housekeeping.purge(due).await.unwrap().runs >= 2);
        assert_eq!(world.found_run(&person, ended[0].1).await, None);
        assert_eq!(world.found_run(&person, direct.id).await, None);
        for (person, latest) in &ended[1..] {
            assert!(world.found_run(person, *latest).await.is_some(), "a session says how its latest run went");
        }
        for id in [queued.id, active.id] {
            assert!(world.found_run(&person, id).await.is_some_and(|run| run.state.is_active()));
        }
        assert_eq!(world.ports.housekeeping.purge(due).await.unwrap().runs, 0);
    }

    async fn c6_nobody_sees_or_changes_another_organisations_runs() {
        let (person, other) = (world.person().await, world.person().await);
        let session = world.sync_session(&person).await;
        let run = world.run_of(&person, &session).await;
        let lease = world.claim(&person, LEASE, 1).await.unwrap().lease;
        let now = world.clock.now();
        let mut theirs = world.sync(&other.owner).await;
        assert_eq!(theirs.runs().find(run.id).await.unwrap(), None);
        assert_eq!(theirs.runs().active_of_session(session.id).await.unwrap(), None);
        theirs.runs().cancel(run.id, now).await.unwrap();
        assert_eq!(theirs.runs().hold(lease, LEASE).await.unwrap(), Hold::Lost);
        assert!(!theirs.runs().finish(lease, &RunEnd::Finished, now).await.unwrap());
        theirs.commit().await.unwrap();
        let second = world.sync_session(&person).await;
        let direct = world.direct_run(&person).await;
        for foreign in [world.new_run(&second), Run { id: RunId::generate(&SystemIds), ..direct }] {
            let mut theirs = world.sync(&other.owner).await;
            assert!(theirs.runs().insert(&foreign).await.is_err());
        }
        assert_eq!(world.hold(&person, lease).await, Hold::Held);
    }
}

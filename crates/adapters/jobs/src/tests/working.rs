use super::fixture::on_both;

on_both!(
    purges_are_there_once_a_period_and_know_how_far_to_go,
    many_jobs_are_done_once_each_by_several_workers,
    a_ring_is_answered_at_once,
    a_job_that_fails_is_tried_again_after_a_while_and_then_given_up,
    a_job_that_can_never_be_done_is_tried_once,
    a_panic_fails_the_attempt_and_harms_nothing_else,
    what_takes_too_long_fails,
    unknown_kinds_fail_and_say_so,
    the_jobs_of_a_dead_worker_are_done_by_another,
    long_jobs_are_held_on_to,
    a_worker_that_stops_finishes_what_is_short_and_gives_the_rest_back,
    a_handler_that_leaves_off_gives_its_job_back,
    a_job_that_is_cancelled_while_it_is_done_ends_within_a_heartbeat,
    a_job_is_done_at_its_time,
);

mod cases {
    use std::sync::Arc;
    use std::sync::atomic::Ordering::SeqCst;
    use std::sync::atomic::{AtomicBool, AtomicU32};
    use std::time::Duration;

    use serde_json::json;
    use tenantry_application::{JobFilter, JobState};
    use tenantry_kernel::{Clock as _, JobKind, NewJob, SystemClock, SystemIds};
    use tokio::time::Instant;

    use crate::tests::fixture::{Broom, DECADE, FOLD, Folder, Place, fold, quick, start, start_on, until};
    use crate::{Doorbell, JobsOptions, MAIN_QUEUE};

    pub(super) async fn purges_are_there_once_a_period_and_know_how_far_to_go(place: &'static Place) {
        let (folder, broom) = (Arc::default(), Arc::new(Broom::default()));
        let days = |days: u64| Duration::from_hours(24 * days);
        let days_2 = JobsOptions { erase_after: days(2), keep_runs: days(3), ..quick() };
        let one = |options| start_on(place, &folder, &broom, options, (Doorbell::alone(), None));
        let workers = [one(days_2), one(days_2)];
        until(async || broom.purges.load(SeqCst) > 0).await;
        for worker in workers {
            worker.stop().await;
        }
        // One that comes later does it no second time either.
        let late = one(days_2);
        tokio::time::sleep(Duration::from_millis(300)).await;
        late.stop().await;
        assert_eq!(broom.purges.load(SeqCst), 1);
        let limits = broom.limits.lock().unwrap().unwrap();
        assert_eq!((limits.now - limits.erase_deleted_by).num_days(), 2);
        assert_eq!((limits.now - limits.runs_ended_by).num_days(), 3);
        let often = one(JobsOptions { purge_interval: Duration::from_secs(1), erase_after: Duration::MAX, ..quick() });
        until(async || broom.purges.load(SeqCst) >= 3).await;
        often.stop().await;
        let limits = broom.limits.lock().unwrap().unwrap();
        assert_eq!((limits.now - limits.erase_deleted_by).num_days(), 36_525);
        // What nobody can read fails at once.
        let unreadable = [json!({"version": 2}), json!([]), json!(null)].map(|payload| {
            let kind = JobKind { name: "tenantry.purge", ..FOLD };
            NewJob::of_platform(kind, payload, SystemClock.now(), &SystemIds)
        });
        for job in &unreadable {
            place.ask(job).await;
        }
        let worker = one(JobsOptions { purge_interval: DECADE, ..quick() });
        for job in &unreadable {
            until(async || place.job(job.id).await.state == JobState::Failed).await;
        }
        worker.stop().await;
    }

    pub(super) async fn many_jobs_are_done_once_each_by_several_workers(place: &'static Place) {
        let folder = Arc::new(Folder::default());
        for _ in 0..300 {
            place.ask_to_fold().await;
        }
        let workers = [start(place, &folder, quick()), start(place, &folder, quick())];
        until(async || folder.done() == 300).await;
        for worker in workers {
            worker.stop().await;
        }
        assert_eq!(folder.begun(), 300);
        let of_kind = |state| JobFilter { state: Some(state), kind: Some(FOLD.name.to_owned()) };
        assert_eq!(place.jobs(&of_kind(JobState::Done)).await.len(), 50);
        assert!(place.jobs(&of_kind(JobState::Running)).await.is_empty());
    }

    pub(super) async fn a_ring_is_answered_at_once(place: &'static Place) {
        let folder = Arc::new(Folder::default());
        // It would look by itself once in a test's life.
        let worker = start(place, &folder, JobsOptions { poll_interval: Duration::from_mins(5), ..quick() });
        tokio::time::sleep(Duration::from_millis(300)).await;
        for count in 1..=20 {
            place.ask_to_fold().await;
            worker.ring();
            until(async || folder.done() == count).await;
        }
        worker.stop().await;
    }

    pub(super) async fn a_job_that_fails_is_tried_again_after_a_while_and_then_given_up(place: &'static Place) {
        let folder = Arc::new(Folder { fails: AtomicBool::new(true), ..Folder::default() });
        let begin = Instant::now();
        let id = place.ask_to_fold().await;
        let worker = start(place, &folder, quick());
        until(async || place.job(id).await.state == JobState::Failed).await;
        // Waits of 200 and 400 milliseconds, up to a quarter shorter.
        assert!(begin.elapsed() >= Duration::from_millis(450), "{:?}", begin.elapsed());
        let failed = place.job(id).await;
        assert_eq!((failed.attempts, failed.last_error.as_deref()), (3, Some("out of paper")));
        assert_eq!(folder.begun(), 3);
        // One that is well in between is done.
        let id = place.ask_to_fold().await;
        until(async || place.job(id).await.last_error.is_some()).await;
        folder.fails.store(false, SeqCst);
        until(async || place.job(id).await.state == JobState::Done).await;
        assert_eq!(place.job(id).await.last_error, None);
        worker.stop().await;
    }

    pub(super) async fn a_job_that_can_never_be_done_is_tried_once(place: &'static Place) {
        let folder = Arc::new(Folder { fails_for_good: AtomicBool::new(true), ..Folder::default() });
        let id = place.ask_to_fold().await;
        let worker = start(place, &folder, quick());
        until(async || place.job(id).await.state == JobState::Failed).await;
        worker.stop().await;
        let failed = place.job(id).await;
        assert_eq!((failed.attempts, failed.last_error.as_deref()), (1, Some("no such paper")));
    }

    pub(super) async fn a_panic_fails_the_attempt_and_harms_nothing_else(place: &'static Place) {
        let folder = Arc::new(Folder { panics: AtomicBool::new(true), ..Folder::default() });
        let id = place.ask_to_fold().await;
        let worker = start(place, &folder, quick());
        until(async || place.job(id).await.last_error.is_some()).await;
        let told = place.job(id).await.last_error.unwrap();
        assert!(told.contains("panicked: on purpose"), "{told}");
        folder.panics.store(false, SeqCst);
        until(async || place.job(id).await.state == JobState::Done).await;
        worker.stop().await;
    }

    pub(super) async fn what_takes_too_long_fails(place: &'static Place) {
        let limit = Some(Duration::from_millis(100));
        let folder = Arc::new(Folder { takes: AtomicU32::new(60_000), limit, ..Folder::default() });
        let id = place.ask_to_fold().await;
        let worker = start(place, &folder, quick());
        until(async || place.job(id).await.last_error.is_some()).await;
        assert_eq!(place.job(id).await.last_error.as_deref(), Some("it took longer than 0.1 seconds"));
        worker.stop().await;
    }

    pub(super) async fn unknown_kinds_fail_and_say_so(place: &'static Place) {
        let kind = JobKind { name: "test.unknown", queue: MAIN_QUEUE, max_attempts: 1 };
        let job = NewJob::of_platform(kind, json!({}), SystemClock.now(), &SystemIds);
        place.ask(&job).await;
        let worker = start(place, &Arc::default(), quick());
        until(async || place.job(job.id).await.state == JobState::Failed).await;
        assert_eq!(place.job(job.id).await.last_error.as_deref(), Some("no worker knows this kind of job"));
        worker.stop().await;
    }

    pub(super) async fn the_jobs_of_a_dead_worker_are_done_by_another(place: &'static Place) {
        let folder = Arc::new(Folder { takes: AtomicU32::new(60_000), ..Folder::default() });
        let id = place.ask_to_fold().await;
        let dying = start(place, &folder, quick());
        until(async || folder.begun() == 1).await;
        dying.crash().await;
        folder.takes.store(0, SeqCst);
        let (died, living) = (Instant::now(), start(place, &folder, quick()));
        until(async || place.job(id).await.state == JobState::Done).await;
        // Within the lease of a second, and a look.
        assert!(died.elapsed() < Duration::from_secs(5), "{:?}", died.elapsed());
        living.stop().await;
        assert_eq!((folder.begun(), folder.done()), (2, 1));
        assert_eq!(place.job(id).await.attempts, 1);
    }

    pub(super) async fn long_jobs_are_held_on_to(place: &'static Place) {
        let folder = Arc::new(Folder { takes: AtomicU32::new(3_500), ..Folder::default() });
        let ids = [place.ask_to_fold().await, place.ask_to_fold().await];
        let long_drain = JobsOptions { drain: Duration::from_secs(8), ..quick() };
        let workers = [start(place, &folder, long_drain), start(place, &folder, quick())];
        until(async || folder.begun() == 2).await;
        let [first, second] = workers;
        // Also while the worker stops: its jobs take three times as long as a lease.
        tokio::join!(first.stop(), async {
            until(async || folder.done() >= 1).await;
        });
        until(async || place.job(ids[0]).await.state == JobState::Done).await;
        until(async || place.job(ids[1]).await.state == JobState::Done).await;
        second.stop().await;
        assert_eq!(folder.begun(), 2);
    }

    pub(super) async fn a_worker_that_stops_finishes_what_is_short_and_gives_the_rest_back(place: &'static Place) {
        let folder = Arc::new(Folder { takes: AtomicU32::new(300), ..Folder::default() });
        let short = place.ask_to_fold().await;
        let worker = start(place, &folder, quick());
        until(async || folder.begun() == 1).await;
        folder.takes.store(60_000, SeqCst);
        let long = place.ask_to_fold().await;
        worker.ring();
        until(async || folder.begun() == 2).await;
        let begin = Instant::now();
        worker.stop().await;
        assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
        assert_eq!(place.job(short).await.state, JobState::Done);
        let given_back = place.job(long).await;
        assert_eq!((given_back.state, given_back.attempts), (JobState::Pending, 0));
        folder.takes.store(0, SeqCst);
        let next = start(place, &folder, quick());
        until(async || place.job(long).await.state == JobState::Done).await;
        next.stop().await;
    }

    pub(super) async fn a_handler_that_leaves_off_gives_its_job_back(place: &'static Place) {
        let folder = Arc::new(Folder { leaves_off: AtomicBool::new(true), ..Folder::default() });
        let id = place.ask_to_fold().await;
        let options = JobsOptions { drain: Duration::from_mins(1), ..quick() };
        let worker = start(place, &folder, options);
        until(async || folder.begun() == 1).await;
        worker.stop().await;
        assert_eq!((place.job(id).await.state, place.job(id).await.attempts), (JobState::Pending, 0));
    }

    pub(super) async fn a_job_that_is_cancelled_while_it_is_done_ends_within_a_heartbeat(place: &'static Place) {
        // One handler leaves off when it is told to, the other hears nothing.
        for (leaves_off, takes) in [(true, 0), (false, 60_000)] {
            let (leaves_off, takes) = (AtomicBool::new(leaves_off), AtomicU32::new(takes));
            let folder = Arc::new(Folder { leaves_off, takes, ..Folder::default() });
            let id = place.ask_to_fold().await;
            let worker = start(place, &folder, quick());
            until(async || folder.begun() == 1).await;
            let asked = Instant::now();
            assert!(place.cancel(id).await);
            until(async || place.job(id).await.state == JobState::Cancelled).await;
            // A quarter of the lease of a second, and half a second to leave off.
            assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
            assert!(!place.cancel(id).await);
            worker.stop().await;
            assert_eq!((folder.begun(), folder.done()), (1, 0));
        }
    }

    pub(super) async fn a_job_is_done_at_its_time(place: &'static Place) {
        let folder = Arc::new(Folder::default());
        let worker = start(place, &folder, quick());
        let job = fold().not_before(SystemClock.now() + chrono::Duration::milliseconds(700));
        place.ask(&job).await;
        worker.ring();
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(folder.begun(), 0);
        until(async || folder.done() == 1).await;
        worker.stop().await;
    }
}

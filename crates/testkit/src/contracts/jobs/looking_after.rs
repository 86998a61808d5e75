use std::time::Duration;

use futures_util::future::join_all;
use tenantry_application::ports::PurgeLimits;
use tenantry_application::{
    HeldJob, Job, JobEnd, JobFilter, JobRetention, JobState, MAIL_KIND, MAIL_QUEUE, MAX_JOB_CRASHES, RUN_KIND,
    RUN_QUEUE,
};
use tenantry_identity::{Delivery, PlatformContext};
use tenantry_kernel::{Clock as _, JobId, JobKey, PageLimit, PageRequest};
use tenantry_sync::{RunEnd, RunMode};

use super::LEASE;
use crate::contracts::outbox::{long_ago, mail};
use crate::{World, contract::contract};

impl World {
    async fn found_job(&self, id: JobId) -> Option<Job> {
        let mut transaction = self.ports.platform.read(&PlatformContext::system()).await.unwrap();
        transaction.jobs().find(id).await.unwrap()
    }

    async fn retry_job(&self, id: JobId) -> bool {
        let mut transaction = self.ports.platform.begin(&PlatformContext::system()).await.unwrap();
        let done = transaction.jobs().retry(id, self.clock.now()).await.unwrap();
        transaction.commit().await.unwrap();
        done
    }

    async fn cancel_job(&self, id: JobId) -> bool {
        let mut transaction = self.ports.platform.begin(&PlatformContext::system()).await.unwrap();
        let done = transaction.jobs().cancel(id, self.clock.now()).await.unwrap();
        transaction.commit().await.unwrap();
        done
    }

    async fn jobs_page(&self, filter: &JobFilter, page: &PageRequest) -> tenantry_kernel::Page<Job> {
        let mut transaction = self.ports.platform.read(&PlatformContext::system()).await.unwrap();
        transaction.jobs().list(filter, page).await.unwrap()
    }
}

contract! {
    /// What every adapter promises those who look after the queue.
    JOB_CARE(world: World)

    async fn a_lost_job_is_the_next_workers_and_after_five_it_has_failed() {
        let (person, queue) = (world.person().await, "crashes");
        let job = world.job_of(&person, queue);
        world.ask_for(&person, std::slice::from_ref(&job)).await;
        let mut waits = Vec::new();
        for crash in 1..=MAX_JOB_CRASHES {
            let begin = tokio::time::Instant::now();
            let taken = loop {
                world.ports.job_queue.tend(world.clock.now()).await.unwrap();
                let taken = world.take_and_die(queue).await;
                if !taken.is_empty() {
                    break taken;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            };
            waits.push(begin.elapsed().as_secs());
            assert_eq!(taken[0].attempt, 1, "those that died don't count");
            let tended = world.ports.job_queue.tend(world.clock.now()).await.unwrap();
            assert_eq!((tended.lost >= 1, tended.given_up), (true, u64::from(crash == MAX_JOB_CRASHES)));
            assert_eq!(tended.queues.contains(&queue.to_owned()), crash != MAX_JOB_CRASHES);
        }
        assert!(waits.iter().zip([0, 0, 1, 2, 4]).all(|(wait, least)| *wait >= least), "{waits:?}");
        let dead = world.found_job(job.id).await.unwrap();
        assert_eq!((dead.state, dead.finished_at), (JobState::Failed, Some(world.clock.now())));
        assert_eq!(dead.last_error.as_deref(), Some("given up after 5 workers that tried it died"));
        assert!(world.retry_job(job.id).await);
        assert_eq!(world.take(queue, 1).await[0].lease.job_id, job.id);
    }

    async fn whoever_holds_on_to_a_job_keeps_it() {
        let (person, queue) = (world.person().await, "holds");
        world.ask_for(&person, &[world.job_of(&person, queue)]).await;
        let lease = world.take_and_die(queue).await[0].lease;
        assert_eq!(world.ports.job_queue.hold(&[lease], LEASE).await.unwrap().len(), 1);
        world.ports.job_queue.tend(world.clock.now()).await.unwrap();
        assert!(world.take(queue, 1).await.is_empty());
        assert!(world.end(lease, JobEnd::Done).await);
    }

    async fn jobs_are_listed_newest_first_and_filtered() {
        let (person, queue) = (world.person().await, "listed");
        let mut jobs = [(); 3].map(|()| world.job_of(&person, queue));
        for job in &mut jobs {
            job.kind.name = "test.list";
        }
        jobs[1].run_at = Some(world.clock.now() + chrono::Duration::days(99_999));
        world.ask_for(&person, &jobs).await;
        let lease = world.take(queue, 1).await[0].lease;
        assert!(world.end(lease, JobEnd::Failed { error: "out of\0 paper".to_owned() }).await);
        let of_kind = |state| JobFilter { state, kind: Some("test.list".to_owned()) };
        let limit = PageLimit::new(2).unwrap();
        let first = world.jobs_page(&of_kind(None), &PageRequest::Number { page: 1, limit }).await;
        assert_eq!(first.total, Some(3));
        assert_eq!(first.items.iter().map(|job| job.id).collect::<Vec<_>>(), [jobs[2].id, jobs[1].id]);
        let cursor = first.next.unwrap();
        let rest = world.jobs_page(&of_kind(None), &PageRequest::After { cursor, limit }).await;
        assert_eq!((rest.items.len(), rest.next, rest.total), (1, None, None));
        let failed = &rest.items[0];
        assert_eq!((failed.id, failed.state, failed.attempts), (jobs[0].id, JobState::Failed, 1));
        assert_eq!(failed.last_error.as_deref(), Some("out of paper"));
        assert_eq!((&failed.queue[..], failed.organization_id), (queue, jobs[0].organization_id));
        assert!(failed.started_at.is_some() && failed.finished_at.is_some() && failed.worker.is_some());
        let all = PageRequest::default();
        for (state, wanted) in [(JobState::Failed, 1), (JobState::Pending, 2), (JobState::Done, 0)] {
            assert_eq!(world.jobs_page(&of_kind(Some(state)), &all).await.items.len(), wanted, "{state:?}");
        }
    }

    async fn what_waits_is_cancelled_and_what_has_failed_waits_again() {
        let (person, queue) = (world.person().await, "cancels");
        let key = || JobKey::Active("k".to_owned());
        let (job, later) = (world.job_of(&person, queue).keyed(key()), world.job_of(&person, queue));
        let later = later.not_before(world.clock.now() + chrono::Duration::days(99_999));
        world.ask_for(&person, &[job.clone(), later.clone()]).await;
        assert!(!world.retry_job(job.id).await, "it waits");
        assert!(world.cancel_job(job.id).await && world.cancel_job(later.id).await);
        assert!(!world.cancel_job(job.id).await);
        assert!(world.take(queue, 9).await.is_empty());
        assert_eq!(world.found_job(job.id).await.unwrap().state, JobState::Cancelled);
        assert_eq!(world.ask_for(&person, &[world.job_of(&person, queue).keyed(key())]).await, [true]);
        assert_eq!(world.take(queue, 9).await.len(), 1);
        assert!(world.retry_job(job.id).await);
        let again = world.take(queue, 9).await.remove(0);
        assert_eq!((again.lease.job_id, again.attempt), (job.id, 1));
        assert!(world.found_job(world.new_job(queue).id).await.is_none());
    }

    async fn a_job_under_way_is_asked_to_end_and_is_not_taken_again() {
        let (person, queue) = (world.person().await, "asks");
        let key = || JobKey::Active("k".to_owned());
        world.ask_for(&person, &[world.job_of(&person, queue).keyed(key())]).await;
        world.ask_for(&person, &[(); 3].map(|()| world.job_of(&person, queue))).await;
        let taken = world.take(queue, 4).await;
        let id = |number: usize| taken[number].lease.job_id;
        let state = async |number| world.found_job(id(number)).await.unwrap().state;
        for number in 0..4 {
            assert!(world.cancel_job(id(number)).await);
            assert_eq!(state(number).await, JobState::Running, "its worker has to hear of it");
        }
        let held = world.ports.job_queue.hold(&[taken[0].lease], LEASE).await.unwrap();
        assert_eq!(held, [HeldJob { job_id: id(0), cancel_requested: true }]);
        // However its worker leaves it, it has ended.
        let again = JobEnd::Again { wait: Duration::ZERO, error: "why".to_owned() };
        for (number, end) in [JobEnd::Released, again, JobEnd::Cancelled, JobEnd::Done].into_iter().enumerate() {
            assert!(world.end(taken[number].lease, end).await);
            assert_eq!(state(number).await, if number == 3 { JobState::Done } else { JobState::Cancelled });
            assert!(!world.cancel_job(id(number)).await);
        }
        assert_eq!(world.ask_for(&person, &[world.job_of(&person, queue).keyed(key())]).await, [true]);
        let dying = world.take_and_die(queue).await.remove(0).lease.job_id;
        assert!(world.cancel_job(dying).await);
        world.ports.job_queue.tend(world.clock.now()).await.unwrap();
        let ended = world.found_job(dying).await.unwrap();
        assert_eq!((ended.state, ended.finished_at), (JobState::Cancelled, Some(world.clock.now())));
        assert!(world.take(queue, 9).await.is_empty());
        assert!(world.retry_job(dying).await);
        let anew = world.take(queue, 9).await.remove(0).lease;
        assert_eq!(world.ports.job_queue.hold(&[anew], LEASE).await.unwrap(), [
            HeldJob { job_id: dying, cancel_requested: false }
        ]);
    }

    async fn of_cancelling_and_taking_a_job_one_comes_first() {
        let (person, queue) = (world.person().await, "races");
        let jobs: Vec<_> = (0..20).map(|_| world.job_of(&person, queue)).collect();
        world.ask_for(&person, &jobs).await;
        let cancelling = join_all(jobs.iter().map(|job| world.cancel_job(job.id)));
        let taking = join_all((0..20).map(|_| world.take(queue, 1)));
        let (cancelled, taken) = futures_util::future::join(cancelling, taking).await;
        let mut taken: Vec<_> = taken.into_iter().flatten().collect();
        taken.extend(world.take(queue, 20).await);
        assert!(cancelled.iter().all(|done| *done));
        let mut ended = 0;
        for job in &jobs {
            let is_taken = taken.iter().any(|taken| taken.lease.job_id == job.id);
            let state = world.found_job(job.id).await.unwrap().state;
            assert_eq!(state, if is_taken { JobState::Running } else { JobState::Cancelled });
            ended += usize::from(!is_taken);
        }
        assert_eq!(ended + taken.len(), 20);
    }

    async fn what_has_ended_is_removed_in_its_time() {
        let (person, queue, now) = (world.person().await, "sweeps", world.clock.now());
        let jobs = [(); 4].map(|()| world.job_of(&person, queue));
        world.ask_for(&person, &jobs).await;
        let taken = world.take(queue, 3).await;
        assert!(world.end(taken[0].lease, JobEnd::Done).await);
        assert!(world.end(taken[1].lease, JobEnd::Failed { error: "why".to_owned() }).await);
        let (early, late) = (now - chrono::Duration::days(9), now + chrono::Duration::days(9));
        let sweep = |ended_by, failed_by| world.ports.job_queue.sweep(JobRetention { ended_by, failed_by });
        sweep(early, early).await.unwrap();
        assert!(world.found_job(jobs[0].id).await.is_some());
        assert!(sweep(late, early).await.unwrap() >= 1);
        assert!(world.found_job(jobs[0].id).await.is_none() && world.found_job(jobs[1].id).await.is_some());
        assert!(sweep(late, late).await.unwrap() >= 1);
        assert!(world.found_job(jobs[1].id).await.is_none());
        assert!(world.found_job(jobs[2].id).await.is_some() && world.found_job(jobs[3].id).await.is_some());
    }

    async fn jobs_of_an_erased_organisation_go_with_it() {
        let person = world.person().await;
        let (job, kept) = (world.job_of(&person, "erased"), world.new_job("erased"));
        world.ask_for(&person, std::slice::from_ref(&job)).await;
        world.ports.job_queue.enqueue(&kept).await.unwrap();
        world.delete_organization(&person).await;
        let now = world.clock.now();
        world.ports.housekeeping.purge(PurgeLimits { erase_deleted_by: now, ..PurgeLimits::expired_by(now) }).await.unwrap();
        assert!(world.found_job(job.id).await.is_none());
        assert!(world.found_job(kept.id).await.is_some());
    }
    async fn runs_of_sync_sessions_are_among_the_jobs() {
        let (person, now) = (world.person().await, world.clock.now());
        let session = world.sync_session(&person).await;
        let run = world.run_of(&person, &session).await;
        let id = JobId::from_uuid(run.id.as_uuid());
        let waiting = world.found_job(id).await.unwrap();
        assert_eq!((&waiting.kind[..], &waiting.queue[..], waiting.state), (RUN_KIND, RUN_QUEUE, JobState::Pending));
        assert_eq!((waiting.organization_id, waiting.attempts), (Some(person.owner.organization_id()), 0));
        let filter = JobFilter { state: Some(JobState::Pending), kind: Some(RUN_KIND.to_owned()) };
        let listed = world.jobs_page(&filter, &PageRequest::default()).await;
        assert!(listed.items.contains(&waiting));
        assert!(!world.retry_job(id).await, "it waits");
        assert!(world.cancel_job(id).await);
        assert_eq!(world.found_job(id).await.unwrap().state, JobState::Cancelled);
        assert!(!world.cancel_job(id).await, "it has ended");
        assert!(world.retry_job(id).await);
        // One that a worker has is asked to end.
        let lease = world.claim(&person, LEASE, 1).await.unwrap().lease;
        let started = world.found_job(id).await.unwrap();
        assert_eq!((started.state, started.attempts, started.worker.is_some()), (JobState::Running, 1, true));
        assert!(world.cancel_job(id).await);
        assert!(world.found_run(&person, run.id).await.unwrap().cancel_requested);
        let mut transaction = world.sync(&person.owner).await;
        assert!(transaction.runs().finish(lease, &RunEnd::Failed("why".to_owned()), now).await.unwrap());
        transaction.commit().await.unwrap();
        let failed = world.found_job(id).await.unwrap();
        assert_eq!((failed.state, failed.last_error.as_deref()), (JobState::Failed, Some("why")));
        assert!(world.retry_job(id).await);
        assert!(!world.found_run(&person, run.id).await.unwrap().cancel_requested);
        let again = world.claim(&person, LEASE, 1).await.unwrap().lease;
        assert!(again.epoch > lease.epoch);
        // An earlier one than the latest stays as it is, and so does any while another is under way.
        let mut transaction = world.sync(&person.owner).await;
        assert!(transaction.runs().finish(again, &RunEnd::Cancelled, now).await.unwrap());
        transaction.commit().await.unwrap();
        let later = world.run_of(&person, &session).await;
        assert!(!world.retry_job(id).await);
        assert!(world.cancel_job(JobId::from_uuid(later.id.as_uuid())).await);
        assert!(!world.retry_job(id).await);
        assert!(world.retry_job(JobId::from_uuid(later.id.as_uuid())).await);
        let mut dry = world.new_run(&session);
        dry.mode = RunMode::DryRun;
        assert!(world.cancel_job(JobId::from_uuid(later.id.as_uuid())).await);
        let mut transaction = world.sync(&person.owner).await;
        assert!(transaction.runs().insert(&dry).await.unwrap());
        transaction.commit().await.unwrap();
        assert!(!world.retry_job(JobId::from_uuid(later.id.as_uuid())).await, "another is under way");
    }

    async fn mails_that_wait_or_could_not_be_sent_are_among_the_jobs() {
        // Long before the mails of other cases.
        let (person, then) = (world.person().await, long_ago(-3));
        let (lost, dropped, sent) = (mail(91, then), mail(92, then), mail(93, then));
        for mail in [&lost, &sent] {
            world.post(&person, mail).await;
        }
        let [lost_id, dropped_id, sent_id] = [&lost, &dropped, &sent].map(|mail| JobId::from_uuid(mail.id.as_uuid()));
        let waiting = world.found_job(lost_id).await.unwrap();
        assert_eq!((&waiting.kind[..], &waiting.queue[..], waiting.state), (MAIL_KIND, MAIL_QUEUE, JobState::Pending));
        assert_eq!((waiting.organization_id, waiting.run_at), (None, then));
        let claimed = world.claim_all(then).await;
        assert_eq!(claimed.len(), 2);
        let until = then + chrono::Duration::seconds(30);
        let mut cancelled = world.ports.platform.begin(&PlatformContext::system()).await.unwrap();
        assert!(!cancelled.jobs().cancel(sent_id, until).await.unwrap(), "a worker is at it");
        drop(cancelled);
        for mail in &claimed {
            let is_lost = mail.mail.id == lost.id;
            let delivery = if is_lost { Delivery::Dead { error: "refused".to_owned() } } else { Delivery::Sent };
            assert!(world.ports.outbox.settle(mail, &delivery, then).await.unwrap());
        }
        let failed = world.found_job(lost_id).await.unwrap();
        assert_eq!((failed.state, failed.last_error.as_deref()), (JobState::Failed, Some("refused")));
        let of_mails = JobFilter { state: None, kind: Some(MAIL_KIND.to_owned()) };
        let listed = world.jobs_page(&of_mails, &PageRequest::default()).await.items;
        assert!(listed.contains(&failed) && listed.iter().all(|job| job.id != sent_id));
        assert!(!world.retry_job(sent_id).await && !world.cancel_job(lost_id).await);
        assert!(world.retry_job(lost_id).await);
        assert_eq!(world.found_job(lost_id).await.unwrap().state, JobState::Pending);
        world.post(&person, &dropped).await;
        for id in [lost_id, dropped_id] {
            assert!(world.cancel_job(id).await);
            assert_eq!(world.found_job(id).await.unwrap().state, JobState::Cancelled);
        }
        assert!(world.claim_all(world.clock.now()).await.iter().all(|mail| mail.mail.id != lost.id));
    }
}

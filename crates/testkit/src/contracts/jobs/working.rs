use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use tenantry_application::{HeldJob, JobEnd, JobRequest};
use tenantry_kernel::{Clock as _, JobId, JobKey, JobLease, JobPriority, SystemClock};

use super::{LEASE, request};
use crate::{World, contract::contract};

fn done(lease: JobLease) -> (JobLease, JobEnd) {
    (lease, JobEnd::Done)
}

contract! {
    /// What every adapter promises those who ask for jobs and those who do them.
    JOBS(world: World)

    async fn a_job_is_there_once_its_transaction_is_committed() {
        let person = world.person().await;
        let (kept, undone) = (world.job_of(&person, "commits"), world.job_of(&person, "commits"));
        let mut transaction = world.ports.jobs.begin(&person.owner).await.unwrap();
        assert!(transaction.jobs().enqueue(&undone).await.unwrap());
        drop(transaction);
        assert_eq!(world.ask_for(&person, std::slice::from_ref(&kept)).await, [true]);
        let taken = world.take("commits", 10).await;
        let [job] = &taken[..] else { panic!("{taken:?}") };
        assert_eq!((job.lease.job_id, job.organization_id, job.user_id), (kept.id, kept.organization_id, kept.user_id));
        assert_eq!((&job.kind[..], &job.payload, job.created_at), (kept.kind.name, &kept.payload, kept.created_at));
        assert_eq!((job.attempt, job.max_attempts), (1, 3));
        assert!(world.end(job.lease, JobEnd::Done).await);
        assert!(!world.end(job.lease, JobEnd::Done).await, "it has ended");
    }

    async fn of_many_workers_one_gets_each_job() {
        let person = world.person().await;
        let jobs: Vec<_> = (0..100).map(|_| world.job_of(&person, "many")).collect();
        world.ask_for(&person, &jobs).await;
        let mut taken = Vec::new();
        while taken.len() < jobs.len() {
            let round = join_all((0..8).map(|_| world.take("many", 7))).await;
            let before = taken.len();
            taken.extend(round.into_iter().flatten());
            assert!(taken.len() > before, "nobody gets the rest");
        }
        let ids: BTreeSet<JobId> = taken.iter().map(|job| job.lease.job_id).collect();
        assert_eq!((taken.len(), ids.len()), (100, 100));
        // All end at once, in more rows than one statement takes.
        let mut ended: Vec<_> = taken.iter().map(|job| done(job.lease)).collect();
        ended.extend((0..200).map(|_| done(JobLease { job_id: world.new_job("many").id, epoch: 1 })));
        let settled: BTreeSet<_> =
            world.ports.job_queue.settle(&ended, world.clock.now()).await.unwrap().into_iter().collect();
        assert_eq!(settled, ids);
        assert!(world.take("many", 10).await.is_empty());
    }

    async fn organisations_that_wait_share_alike() {
        let mut people = Vec::new();
        for _ in 0..10 {
            people.push(world.person().await);
        }
        // The first has asked for a hundred times as much as the others, and before them.
        let many: Vec<_> = (0..500).map(|_| world.job_of(&people[0], "shares")).collect();
        world.ask_for(&people[0], &many).await;
        for person in &people[1..] {
            let jobs: Vec<_> = (0..50).map(|_| world.job_of(person, "shares")).collect();
            world.ask_for(person, &jobs).await;
        }
        let mut served = BTreeMap::<_, u32>::new();
        // Batches that the number of organisations divides, and others; by workers one after the other.
        for most in [10, 3, 7, 40, 1, 1, 1, 17, 20, 100] {
            for job in world.take("shares", most).await {
                *served.entry(job.organization_id).or_default() += 1;
            }
        }
        assert_eq!(served.len(), 10);
        let (least, mean) = (*served.values().min().unwrap(), served.values().sum::<u32>() / 10);
        let most = *served.values().max().unwrap();
        assert!(least * 10 >= mean * 8 && most * 10 <= mean * 12, "{served:?}");
    }

    async fn within_an_organisation_priority_comes_first_and_then_age() {
        let person = world.person().await;
        let [first, low, high, second] = [(); 4].map(|()| world.job_of(&person, "priorities"));
        let (low, high) = (low.with_priority(JobPriority::Low), high.with_priority(JobPriority::High));
        let wanted = [high.id, first.id, second.id, low.id];
        world.ask_for(&person, &[second, low, first, high]).await;
        let mut taken = Vec::new();
        for most in [1, 2, 5] {
            taken.extend(world.take("priorities", most).await.iter().map(|job| job.lease.job_id));
        }
        assert_eq!(taken, wanted);
    }

    async fn one_organisation_has_so_many_jobs_at_once() {
        let (person, other) = (world.person().await, world.person().await);
        let own: Vec<_> = (0..5).map(|_| world.job_of(&person, "limits")).collect();
        world.ask_for(&person, &own).await;
        world.ask_for(&other, &[world.job_of(&other, "limits")]).await;
        let limited = JobRequest { most_of_one: Some(2), ..request("limits", "w", 10, world) };
        let mut taken = Vec::new();
        let claims = join_all((0..6).map(|_| world.ports.job_queue.claim(&limited))).await;
        taken.extend(claims.into_iter().flat_map(Result::unwrap));
        let of_person = |id: &Option<_>| *id == own[0].organization_id;
        assert_eq!(taken.iter().filter(|job| of_person(&job.organization_id)).count(), 2);
        assert_eq!(taken.len(), 3);
        let ended = taken.iter().find(|job| of_person(&job.organization_id)).unwrap();
        assert!(world.end(ended.lease, JobEnd::Done).await);
        assert_eq!(world.ports.job_queue.claim(&limited).await.unwrap().len(), 1);
    }

    async fn queues_have_jobs_of_their_own() {
        world.ports.job_queue.enqueue(&world.new_job("own")).await.unwrap();
        assert!(world.take("another", 10).await.is_empty());
        let taken = world.take("own", 10).await;
        assert_eq!((taken.len(), taken[0].organization_id, taken[0].user_id), (1, None, None));
    }

    async fn a_key_keeps_a_job_from_being_there_twice() {
        let (person, other) = (world.person().await, world.person().await);
        let active = || world.job_of(&person, "keys").keyed(JobKey::Active("a".to_owned()));
        let once = || world.job_of(&person, "keys").keyed(JobKey::Once("b".to_owned()));
        let elsewhere = world.job_of(&other, "keys").keyed(JobKey::Active("a".to_owned()));
        assert_eq!(world.ask_for(&person, &[active(), active(), once(), once()]).await, [true, false, true, false]);
        assert_eq!(world.ask_for(&other, &[elsewhere]).await, [true]);
        for job in world.take("keys", 10).await {
            assert!(world.end(job.lease, JobEnd::Done).await);
        }
        assert_eq!(world.ask_for(&person, &[active(), once()]).await, [true, false]);
        // Those that fail, and those that end in their own transaction, give it back as well.
        let taken = world.take("keys", 10).await;
        assert!(world.end(taken[0].lease, JobEnd::Failed { error: "why".to_owned() }).await);
        assert_eq!(world.ask_for(&person, &[active()]).await, [true]);
        let taken = world.take("keys", 10).await;
        let mut transaction = world.ports.jobs.begin(&person.owner).await.unwrap();
        assert!(transaction.jobs().finish(taken[0].lease, world.clock.now()).await.unwrap());
        assert!(transaction.jobs().enqueue(&active()).await.unwrap());
    }

    async fn a_job_ends_together_with_what_it_stored() {
        let person = world.person().await;
        world.ask_for(&person, &[world.job_of(&person, "together")]).await;
        let lease = world.take("together", 1).await[0].lease;
        let mut transaction = world.ports.jobs.begin(&person.owner).await.unwrap();
        assert!(transaction.jobs().hold(lease).await.unwrap());
        assert!(transaction.jobs().finish(lease, world.clock.now()).await.unwrap());
        drop(transaction);
        let mut transaction = world.ports.jobs.begin(&person.owner).await.unwrap();
        assert!(transaction.jobs().finish(lease, world.clock.now()).await.unwrap());
        assert!(!transaction.jobs().hold(lease).await.unwrap());
        transaction.commit().await.unwrap();
        assert!(!world.end(lease, JobEnd::Done).await);
    }

    async fn what_a_worker_says_counts_only_while_the_job_is_its_own() {
        let person = world.person().await;
        world.ask_for(&person, &[world.job_of(&person, "fences")]).await;
        let lost = world.take_and_die("fences").await[0].lease;
        assert!(world.ports.job_queue.tend(world.clock.now()).await.unwrap().lost >= 1);
        let held = world.take("fences", 1).await[0].lease;
        assert!(held.job_id == lost.job_id && held.epoch > lost.epoch);
        assert_eq!(world.ports.job_queue.hold(&[lost, held], LEASE).await.unwrap(), [
            HeldJob { job_id: held.job_id, cancel_requested: false }
        ]);
        let again = JobEnd::Again { wait: Duration::ZERO, error: "why".to_owned() };
        for end in [JobEnd::Done, again, JobEnd::Failed { error: "why".to_owned() }, JobEnd::Released] {
            assert!(!world.end(lost, end).await);
        }
        let mut transaction = world.ports.jobs.begin(&person.owner).await.unwrap();
        assert!(!transaction.jobs().hold(lost).await.unwrap());
        assert!(!transaction.jobs().finish(lost, world.clock.now()).await.unwrap());
        transaction.commit().await.unwrap();
        assert!(world.end(held, JobEnd::Done).await);
    }

    async fn a_job_that_failed_waits_before_it_is_tried_again() {
        let (person, queue) = (world.person().await, "waits");
        world.ask_for(&person, &[world.job_of(&person, queue)]).await;
        let first = world.take(queue, 1).await.remove(0);
        let again = |milliseconds| JobEnd::Again { wait: Duration::from_millis(milliseconds), error: "why".to_owned() };
        assert!(world.end(first.lease, again(80)).await);
        let tended = world.ports.job_queue.tend(world.clock.now()).await.unwrap();
        assert!(tended.next.is_some_and(|rest| rest <= Duration::from_millis(80)), "{tended:?}");
        assert!(world.take(queue, 1).await.is_empty());
        tokio::time::sleep(Duration::from_millis(90)).await;
        let tended = world.ports.job_queue.tend(world.clock.now()).await.unwrap();
        assert!(tended.queues.contains(&queue.to_owned()), "{tended:?}");
        let second = world.take(queue, 1).await.remove(0);
        assert_eq!((second.lease.job_id, second.attempt), (first.lease.job_id, 2));
        assert!(second.lease.epoch > first.lease.epoch);
        // A worker that has to stop gives it back as it was.
        assert!(world.end(second.lease, JobEnd::Released).await);
        assert_eq!(world.take(queue, 1).await[0].attempt, 2);
    }

    async fn a_job_is_not_done_before_its_time() {
        let (person, queue) = (world.person().await, "later");
        let soon = SystemClock.now() + chrono::Duration::milliseconds(120);
        world.ask_for(&person, &[world.job_of(&person, queue).not_before(soon)]).await;
        world.ports.job_queue.tend(world.clock.now()).await.unwrap();
        assert!(world.take(queue, 1).await.is_empty());
        tokio::time::sleep(Duration::from_millis(150)).await;
        world.ports.job_queue.tend(world.clock.now()).await.unwrap();
        assert_eq!(world.take(queue, 1).await.len(), 1);
    }

    async fn c6_nobody_asks_for_or_touches_another_organisations_jobs() {
        let (person, other) = (world.person().await, world.person().await);
        world.ask_for(&person, &[world.job_of(&person, "foreign")]).await;
        let lease = world.take("foreign", 1).await[0].lease;
        let mut theirs = world.ports.jobs.begin(&other.owner).await.unwrap();
        assert!(!theirs.jobs().hold(lease).await.unwrap());
        assert!(!theirs.jobs().finish(lease, world.clock.now()).await.unwrap());
        theirs.commit().await.unwrap();
        for foreign in [world.job_of(&person, "foreign"), world.new_job("foreign")] {
            let mut theirs = world.ports.jobs.begin(&other.owner).await.unwrap();
            assert!(theirs.jobs().enqueue(&foreign).await.is_err());
        }
        assert!(world.end(lease, JobEnd::Done).await);
    }
}

use chrono::{DateTime, Duration, Utc};
use tenantry_identity::{ClaimedMail, Delivery, MailId, MailKind, OutgoingMail, RecipientDigest};
use tenantry_kernel::{Clock as _, SystemIds};

use crate::{Person, World, contract::contract};

/// Long enough ago that no other case's mails are due, since all cases share one outbox.
pub(in crate::contracts) fn long_ago(days: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_000_000_000, 0).unwrap_or_default() + Duration::days(days)
}

pub(in crate::contracts) fn mail(recipient: u8, created_at: DateTime<Utc>) -> OutgoingMail {
    OutgoingMail {
        id: MailId::generate(&SystemIds),
        kind: MailKind::ResetPassword,
        recipient: RecipientDigest([recipient; 32]),
        sealed: b"sealed".to_vec(),
        created_at,
        expires_at: created_at + Duration::days(7),
    }
}

impl World {
    pub(in crate::contracts) async fn post(&self, person: &Person, mail: &OutgoingMail) {
        let mut transaction = self.begin(person).await;
        transaction.outbox().insert(mail).await.expect("a new mail");
        transaction.commit().await.expect("a commit");
    }

    pub(in crate::contracts) async fn claim_all(&self, now: DateTime<Utc>) -> Vec<ClaimedMail> {
        self.ports.outbox.claim(now, now + Duration::minutes(1), 100).await.expect("a claim")
    }

    async fn settle(&self, claimed: &ClaimedMail, delivery: Delivery) -> bool {
        self.ports.outbox.settle(claimed, &delivery, claimed.mail.created_at).await.expect("a settlement")
    }

    async fn count_before(&self, mail: &OutgoingMail, since: DateTime<Utc>) -> u64 {
        self.ports.outbox.count_before(mail, since).await.expect("a count")
    }
}

contract! {
    /// What every adapter of the outbox promises.
    OUTBOX(world: World)

    async fn a_mail_is_there_once_its_transaction_is_committed() {
        let (person, now) = (world.person().await, long_ago(1));
        let (kept, undone) = (mail(1, now), mail(1, now));
        let mut transaction = world.begin(&person).await;
        transaction.outbox().insert(&undone).await.unwrap();
        drop(transaction);
        world.post(&person, &kept).await;
        let claimed = world.claim_all(now).await;
        assert_eq!(claimed, [ClaimedMail { mail: kept, epoch: 1, attempts: 1 }]);
        assert!(world.settle(&claimed[0], Delivery::Sent).await);
    }

    async fn a_claimed_mail_is_nobody_elses_until_the_claim_has_run_out() {
        let (person, now) = (world.person().await, long_ago(2));
        world.post(&person, &mail(2, now)).await;
        let first = world.claim_all(now).await;
        assert_eq!(world.claim_all(now + Duration::seconds(59)).await, []);
        let second = world.claim_all(now + Duration::seconds(60)).await;
        assert_eq!((second[0].mail.id, second[0].epoch, second[0].attempts), (first[0].mail.id, 2, 2));
        // What the first one reports now is about a claim that it has lost.
        assert!(!world.settle(&first[0], Delivery::Sent).await);
        assert!(world.settle(&second[0], Delivery::Sent).await);
        assert!(!world.settle(&second[0], Delivery::Sent).await);
        assert_eq!(world.claim_all(now + Duration::hours(1)).await, []);
    }

    async fn of_many_workers_one_gets_each_mail() {
        let (person, now) = (world.person().await, long_ago(3));
        for _ in 0..20 {
            world.post(&person, &mail(3, now)).await;
        }
        let claim = || world.ports.outbox.claim(now, now + Duration::minutes(1), 3);
        let claims = futures_util::future::join_all((0..12).map(|_| claim())).await;
        let mut all: Vec<ClaimedMail> = claims.into_iter().flat_map(Result::unwrap).collect();
        all.extend(world.claim_all(now).await);
        let mut ids: Vec<MailId> = all.iter().map(|claimed| claimed.mail.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((all.len(), ids.len()), (20, 20));
        for claimed in &all {
            assert!(world.settle(claimed, Delivery::Sent).await);
        }
    }

    async fn the_longest_due_come_first_and_no_more_than_asked_for() {
        let (person, now) = (world.person().await, long_ago(4));
        let late = mail(4, now + Duration::seconds(1));
        let early = mail(4, now);
        world.post(&person, &late).await;
        world.post(&person, &early).await;
        let later = now + Duration::seconds(2);
        let claim = world.ports.outbox.claim(later, later + Duration::minutes(1), 1);
        let first = claim.await.unwrap();
        assert_eq!(first.iter().map(|claimed| claimed.mail.id).collect::<Vec<_>>(), [early.id]);
        for claimed in first.iter().chain(&world.claim_all(later).await) {
            assert!(world.settle(claimed, Delivery::Dropped { reason: "enough" }).await);
        }
    }

    async fn a_postponed_mail_is_due_again_when_it_says() {
        let (person, now) = (world.person().await, long_ago(5));
        world.post(&person, &mail(5, now)).await;
        let claimed = world.claim_all(now).await;
        let until = now + Duration::minutes(10);
        assert!(world.settle(&claimed[0], Delivery::Postponed { until, error: "busy".to_owned() }).await);
        assert_eq!(world.claim_all(until - Duration::microseconds(1)).await, []);
        let again = world.claim_all(until).await;
        assert_eq!((again[0].attempts, &again[0].mail), (2, &claimed[0].mail));
        assert!(world.settle(&again[0], Delivery::Dead { error: "refused".to_owned() }).await);
        assert_eq!(world.claim_all(until + Duration::days(1)).await, []);
    }

    async fn mails_of_a_kind_to_a_recipient_are_counted_but_for_dropped_ones() {
        let (person, now) = (world.person().await, long_ago(6));
        let at = |minutes| now + Duration::minutes(minutes);
        let (old, dropped, sent, last) = (mail(6, at(0)), mail(6, at(1)), mail(6, at(2)), mail(6, at(3)));
        let other_kind = OutgoingMail { kind: MailKind::Invitation, ..mail(6, at(2)) };
        for mail in [&old, &dropped, &sent, &other_kind, &mail(7, at(2)), &last, &mail(6, at(4))] {
            world.post(&person, mail).await;
        }
        assert_eq!(world.count_before(&last, now).await, 3);
        for claimed in world.claim_all(at(5)).await {
            let is_dropped = claimed.mail.id == dropped.id;
            let delivery = if is_dropped { Delivery::Dropped { reason: "enough" } } else { Delivery::Sent };
            assert!(world.settle(&claimed, delivery).await);
        }
        assert_eq!(world.count_before(&last, now).await, 2);
        assert_eq!(world.count_before(&last, at(1)).await, 1);
        assert_eq!(world.count_before(&old, now - Duration::hours(1)).await, 0);
    }

    async fn mails_are_purged_in_their_time_sent_or_not() {
        let (person, now) = (world.person().await, long_ago(7));
        let (waiting, sent) = (mail(8, now), mail(8, now));
        for mail in [&sent, &waiting] {
            world.post(&person, mail).await;
        }
        let claimed = world.claim_all(now).await;
        let [sent, waiting] = [sent.id, waiting.id].map(|id| claimed.iter().find(|one| one.mail.id == id).unwrap());
        let late = now + Duration::days(1);
        assert!(world.ports.outbox.settle(sent, &Delivery::Sent, late).await.unwrap());
        let last = OutgoingMail { id: MailId::generate(&SystemIds), ..mail(8, now + Duration::days(2)) };
        world.purge(now + Duration::days(7) - Duration::microseconds(1)).await;
        assert_eq!(world.count_before(&last, now).await, 2);
        world.purge(now + Duration::days(7)).await;
        assert_eq!(world.count_before(&last, now).await, 1);
        assert!(!world.settle(waiting, Delivery::Sent).await);
        world.purge(late + Duration::days(7)).await;
        assert_eq!(world.count_before(&last, now).await, 0);
        assert!(world.clock.now() > late);
    }
}

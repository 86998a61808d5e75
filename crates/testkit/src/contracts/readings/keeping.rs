use std::time::Duration as Wait;

use chrono::{DateTime, Duration, Utc};
use tenantry_identity::PlatformContext;
use tenantry_kernel::{Clock as _, Page, PageLimit, PageRequest, SystemIds};
use tenantry_readings::{AdvisorId, Question, Reading, ReadingFilter, ReadingId, ReadingStatus};

use super::{completed, failed, text};
use crate::{Person, World, contract::contract};

impl World {
    async fn readings_page(&self, person: &Person, filter: &ReadingFilter, page: &PageRequest) -> Page<Reading> {
        let mut transaction = self.ports.readings.read(&person.owner).await.expect("a transaction");
        transaction.readings().list(person.user.id, filter, page).await.expect("a page")
    }

    async fn admitted(&self, person: &Person, filter: ReadingFilter) -> Vec<ReadingId> {
        let page = self.readings_page(person, &filter, &PageRequest::default()).await;
        page.items.into_iter().map(|reading| reading.id).collect()
    }

    async fn replace(&self, person: &Person, reading: &Reading, seen: &Reading) -> bool {
        let mut transaction = self.in_tenant(person).await;
        let is_replaced = transaction.readings().update(reading, seen.revision).await.expect("an update");
        transaction.commit().await.expect("a commit");
        is_replaced
    }

    async fn answer_to(&self, person: &Person, reading: &Reading, since: DateTime<Utc>) -> Option<Reading> {
        let mut transaction = self.ports.readings.read(&person.owner).await.expect("a transaction");
        transaction.readings().find_answer(&reading.question_digest, since).await.expect("an answer")
    }

    async fn to_stop(&self, ids: &[ReadingId], now: DateTime<Utc>) -> Vec<ReadingId> {
        let mut transaction = self.ports.reading_desk.read(&PlatformContext::system()).await.expect("a transaction");
        transaction.readings().to_stop(ids, now).await.expect("ids")
    }

    async fn overdue(&self, time: DateTime<Utc>, limit: u16) -> Vec<ReadingId> {
        let mut transaction = self.ports.reading_desk.read(&PlatformContext::system()).await.expect("a transaction");
        transaction.readings().overdue(time, limit).await.expect("ids")
    }
}

contract! {
    /// What every adapter promises of readings themselves.
    READINGS(world: World)

    async fn a_reading_comes_back_as_it_was_stored() {
        let person = world.person().await;
        let now = world.clock.now();
        let question = Question::parse("with 'quotes', \"more\"; -- and % _ \\ ünïcode 🦀\nlines?").unwrap();
        let asked = Reading { question, heard_until: Some(now), ..world.new_reading(&person) };
        world.keep(&person, &[&asked]).await;
        assert_eq!(world.find_reading(&person, asked.id).await, Some(asked.clone()));
        let begun = asked.clone().begun();
        assert!(world.replace(&person, &begun, &asked).await);
        assert_eq!(world.find_reading(&person, asked.id).await, Some(begun.clone()));
        for outcome in [completed("Tomorrow. ünïcode 🦀"), failed()] {
            let other = Reading { id: ReadingId::generate(&SystemIds), ..asked.clone() };
            world.keep(&person, &[&other]).await;
            let ended = other.clone().ended(outcome, now + Duration::microseconds(7));
            assert!(world.replace(&person, &ended, &other).await);
            assert_eq!(world.find_reading(&person, other.id).await, Some(ended.clone()));
            let mut transaction = world.ports.reading_desk.read(&PlatformContext::system()).await.unwrap();
            assert_eq!(transaction.readings().find(other.id).await.unwrap(), Some(ended));
        }
    }

    async fn an_answer_can_be_there_at_once() {
        let person = world.person().await;
        let answered = world.new_reading(&person).ended(completed("No."), world.clock.now());
        world.keep(&person, &[&answered]).await;
        assert_eq!(world.find_reading(&person, answered.id).await, Some(answered));
    }

    async fn what_is_not_there_is_absent() {
        let person = world.person().await;
        let absent = world.new_reading(&person);
        assert_eq!(world.find_reading(&person, absent.id).await, None);
        assert!(!world.replace(&person, &absent.clone().begun(), &absent).await);
        let mut transaction = world.in_tenant(&person).await;
        assert!(!transaction.readings().delete(absent.id, absent.revision).await.unwrap());
        assert!(world.to_stop(&[], world.clock.now()).await.is_empty());
    }

    async fn a_known_id_changes_nothing() {
        let (person, other) = (world.person().await, world.person().await);
        let stored = world.new_reading(&person);
        world.keep(&person, &[&stored]).await;
        let again = Reading { id: stored.id, ..world.asked(&person, "Something else?", 0) };
        let theirs = Reading { id: stored.id, ..world.new_reading(&other) };
        for (who, reading) in [(&person, again), (&other, theirs)] {
            let mut transaction = world.in_tenant(who).await;
            assert!(!transaction.readings().insert(&reading).await.unwrap());
            transaction.commit().await.unwrap();
        }
        assert_eq!(world.find_reading(&person, stored.id).await, Some(stored.clone()));
        assert_eq!(world.find_reading(&other, stored.id).await, None);
    }

    async fn an_update_needs_the_revision_and_leaves_the_word_of_others() {
        let person = world.person().await;
        let now = world.clock.now();
        let asked = Reading { heard_until: Some(now), ..world.new_reading(&person) };
        world.keep(&person, &[&asked]).await;
        let mut transaction = world.in_tenant(&person).await;
        transaction.readings().request_stop(asked.id).await.unwrap();
        transaction.readings().hear_until(asked.id, now + Duration::seconds(9)).await.unwrap();
        transaction.commit().await.unwrap();
        let begun = asked.clone().begun();
        assert!(world.replace(&person, &begun, &asked).await);
        assert!(!world.replace(&person, &asked.clone().ended(failed(), now), &asked).await, "an old revision");
        let heard_until = Some(now + Duration::seconds(9));
        let wanted = Reading { stop_requested: true, heard_until, ..begun };
        assert_eq!(world.find_reading(&person, asked.id).await, Some(wanted));
    }

    async fn a_deleted_reading_takes_its_log_along() {
        let person = world.person().await;
        let (deleted, kept) = (world.new_reading(&person), world.new_reading(&person));
        world.keep(&person, &[&deleted, &kept]).await;
        for reading in [&deleted, &kept] {
            assert!(world.append(reading, vec![text(1, "Well,"), text(2, " no.")]).await.is_empty());
        }
        let mut transaction = world.in_tenant(&person).await;
        assert!(!transaction.readings().delete(deleted.id, deleted.revision.next()).await.unwrap());
        assert!(transaction.readings().delete(deleted.id, deleted.revision).await.unwrap());
        transaction.commit().await.unwrap();
        assert_eq!(world.find_reading(&person, deleted.id).await, None);
        assert!(world.pieces(&person, deleted.id).await.is_empty());
        assert_eq!(world.pieces(&person, kept.id).await.len(), 2);
    }

    async fn a_list_has_the_newest_first_and_every_page_of_it_once() {
        let person = world.person().await;
        let other = world.person().await;
        world.join(&person.owner, &other, tenantry_tenancy::Role::Member).await;
        // Some at the same time.
        let mut all: Vec<Reading> = (0..23).map(|number| world.asked(&person, "Why?", number / 3)).collect();
        world.keep(&person, &all.iter().collect::<Vec<_>>()).await;
        let of_other = Reading { user_id: other.user.id, ..world.new_reading(&person) };
        world.keep(&person, &[&of_other]).await;
        all.sort_by_key(|reading| std::cmp::Reverse((reading.created_at, reading.id)));
        let limit = PageLimit::new(5).unwrap();
        let mut page = world.readings_page(&person, &ReadingFilter::default(), &PageRequest::Number { page: 1, limit }).await;
        assert_eq!(page.total, Some(23));
        let second = PageRequest::Number { page: 2, limit };
        assert_eq!(world.readings_page(&person, &ReadingFilter::default(), &second).await.items, all[5..10]);
        let mut seen = page.items.clone();
        while let Some(cursor) = page.next {
            page = world.readings_page(&person, &ReadingFilter::default(), &PageRequest::After { cursor, limit }).await;
            seen.extend(page.items.clone());
        }
        assert_eq!(seen, all);
    }

    async fn a_list_holds_what_the_filter_admits() {
        let person = world.person().await;
        let [first, second, third] = [0, 10, 20].map(|seconds| world.asked(&person, "Why?", seconds));
        let advisor = AdvisorId::parse("other").unwrap();
        let third = Reading { advisor: advisor.clone(), ..third };
        world.keep(&person, &[&first, &second, &third]).await;
        assert!(world.replace(&person, &second.clone().begun(), &second).await);
        let none = ReadingFilter::default();
        let of_advisor = ReadingFilter { advisor: Some(advisor), ..none.clone() };
        assert_eq!(world.admitted(&person, of_advisor).await, [third.id]);
        let streaming = ReadingFilter { status: Some(ReadingStatus::Streaming), ..none.clone() };
        assert_eq!(world.admitted(&person, streaming).await, [second.id]);
        let from = ReadingFilter { from: Some(second.created_at), ..none.clone() };
        assert_eq!(world.admitted(&person, from).await, [third.id, second.id]);
        let to = ReadingFilter { to: Some(second.created_at), ..none };
        assert_eq!(world.admitted(&person, to).await, [first.id]);
    }

    async fn the_latest_complete_answer_to_a_question_is_found() {
        let person = world.person().await;
        let now = world.clock.now();
        let [early, late, open, lost, other] = [(0, "Why?"), (10, "Why?"), (20, "Why?"), (30, "Why?"), (40, "How?")]
            .map(|(seconds, text)| world.asked(&person, text, seconds));
        let [early, late, other] = [early, late, other].map(|reading| reading.ended(completed("So."), now));
        let lost = lost.ended(failed(), now);
        world.keep(&person, &[&early, &late, &open, &lost, &other]).await;
        assert_eq!(world.answer_to(&person, &early, early.created_at).await, Some(late.clone()));
        assert_eq!(world.answer_to(&person, &early, late.created_at).await, Some(late.clone()));
        assert_eq!(world.answer_to(&person, &early, late.created_at + Duration::microseconds(1)).await, None);
    }

    async fn a_reading_is_to_stop_when_somebody_says_so_or_nobody_listens() {
        let person = world.person().await;
        let now = world.clock.now();
        let [stopped, unheard, heard, free] = [None, Some(now), Some(now), None]
            .map(|heard_until| Reading { heard_until, ..world.new_reading(&person) });
        world.keep(&person, &[&stopped, &unheard, &heard, &free]).await;
        let all = [stopped.id, unheard.id, heard.id, free.id];
        let soon = now + Duration::seconds(5);
        assert!(world.to_stop(&all, now).await.is_empty());
        let mut transaction = world.in_tenant(&person).await;
        transaction.readings().request_stop(stopped.id).await.unwrap();
        for id in [heard.id, free.id] {
            transaction.readings().hear_until(id, soon + Duration::seconds(5)).await.unwrap();
            // Somebody else, who listens for less.
            transaction.readings().hear_until(id, soon).await.unwrap();
        }
        transaction.commit().await.unwrap();
        let mut found = world.to_stop(&all, soon + Duration::seconds(1)).await;
        found.sort_unstable();
        let mut wanted = [stopped.id, unheard.id];
        wanted.sort_unstable();
        assert_eq!(found, wanted);
        assert_eq!(world.to_stop(&[free.id, unheard.id], soon).await, [unheard.id]);
    }

    async fn what_is_overdue_is_found_the_oldest_first() {
        let person = world.person().await;
        let at = |seconds| DateTime::UNIX_EPOCH + Duration::seconds(seconds);
        let [second, first, over, later] = [20, 10, 5, 40].map(|seconds| Reading { deadline: at(seconds), ..world.new_reading(&person) });
        let over = over.ended(failed(), world.clock.now());
        world.keep(&person, &[&second, &first, &over, &later]).await;
        assert_eq!(world.overdue(at(30), 10).await, [first.id, second.id]);
        assert_eq!(world.overdue(at(30), 1).await, [first.id]);
        assert_eq!(world.overdue(at(20), 10).await, [first.id]);
        for reading in [&first, &second, &later] {
            assert!(world.replace(&person, &reading.clone().ended(failed(), world.clock.now()), reading).await);
        }
        assert!(world.overdue(at(60), 10).await.is_empty());
    }

    async fn what_was_found_for_writing_stays_as_it_is() {
        let person = world.person().await;
        let stored = world.new_reading(&person);
        world.keep(&person, &[&stored]).await;
        let mut transaction = world.in_tenant(&person).await;
        assert!(transaction.readings().find(stored.id).await.unwrap().is_some());
        let begun = stored.clone().begun();
        let mut change = Box::pin(world.replace(&person, &begun, &stored));
        assert!(tokio::time::timeout(Wait::from_millis(150), &mut change).await.is_err(), "it was changed meanwhile");
        transaction.commit().await.unwrap();
        assert!(change.await);
    }

    async fn c6_nobody_reads_another_organisations_readings() {
        let (person, other) = (world.person().await, world.person().await);
        let stored = world.new_reading(&person).ended(completed("So."), world.clock.now());
        world.keep(&person, &[&stored]).await;
        assert_eq!(world.find_reading(&other, stored.id).await, None);
        assert_eq!(world.answer_to(&other, &stored, stored.created_at).await, None);
        let mut transaction = world.ports.readings.read(&other.owner).await.unwrap();
        let page = transaction.readings().list(person.user.id, &ReadingFilter::default(), &PageRequest::default()).await;
        assert_eq!(page.unwrap().total, Some(0));
        let at = stored.deadline + Duration::days(1);
        assert!(!transaction.readings().overdue(at, 50).await.unwrap().contains(&stored.id));
        assert!(transaction.readings().to_stop(&[stored.id], at).await.unwrap().is_empty());
    }

    async fn c6_nobody_changes_another_organisations_readings() {
        let (person, other) = (world.person().await, world.person().await);
        let stored = Reading { heard_until: Some(world.clock.now()), ..world.new_reading(&person) };
        world.keep(&person, &[&stored]).await;
        let mut transaction = world.in_tenant(&other).await;
        assert!(!transaction.readings().update(&stored.clone().begun(), stored.revision).await.unwrap());
        transaction.readings().request_stop(stored.id).await.unwrap();
        transaction.readings().hear_until(stored.id, stored.deadline).await.unwrap();
        assert!(!transaction.readings().delete(stored.id, stored.revision).await.unwrap());
        transaction.commit().await.unwrap();
        assert_eq!(world.find_reading(&person, stored.id).await, Some(stored.clone()));
        let mut transaction = world.in_tenant(&other).await;
        let smuggled = Reading { id: ReadingId::generate(&SystemIds), ..stored };
        assert!(transaction.readings().insert(&smuggled).await.is_err());
    }
}

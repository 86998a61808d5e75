use std::sync::Arc;
use std::time::Duration;

use chrono::Duration as Span;
use tenantry_application::ports::PurgeLimits;
use tenantry_kernel::{Clock as _, PageRequest, Precondition, StorageError, SystemIds};
use tenantry_readings::ports::UsageFilter;
use tenantry_readings::{
    Budget, Draft, Failure, FrameEvent, NewReading, Piece, Reading, ReadingError, ReadingFilter, ReadingId,
    ReadingStatus, Sequence, UsageItem,
};

use super::service::{Services, USAGE, piece};
use super::{citation, question, route, usd};
use crate::{FixedClock, Person, World, contract::contract};

impl World {
    fn all_services(&self) -> Services {
        self.services(Budget::default(), None)
    }

    /// What was settled of the person's readings, and what is still put aside for them.
    async fn booked(&self, person: &Person) -> (Vec<UsageItem>, String) {
        let today = self.clock.now().date_naive();
        let mut transaction = self.ports.readings.read(&person.owner).await.expect("a transaction");
        let filter = UsageFilter { user_id: Some(person.user.id), from: today, to: today };
        let items = transaction.ledger().usage(&filter).await.expect("items");
        let sums = self.sums(person, &self.reservation(person, "0")).await;
        (items, sums[0].reserved.to_string())
    }

    /// A reading that was answered in three pieces, the last of which was written down with the end.
    async fn answered(&self, services: &Services, person: &Person) -> Reading {
        let asked = services.ask(person, "When will it rain?").await;
        let (lease, commission) = services.take(self, asked.id).await;
        let mut draft = Draft::new();
        draft.ask(route("large"));
        let first = [piece("Tomorrow"), Piece::Citation(citation(1))].map(|piece| draft.add(piece));
        assert!(services.desk.append(&[commission.entry(first.to_vec())]).await.expect("an append").is_empty());
        let last = draft.add(piece(", perhaps."));
        draft.bill(USAGE);
        let completed = (ReadingStatus::Completed, None);
        assert!(services.desk.end(lease, &commission, &draft, completed, vec![last]).await.expect("an end"));
        self.find_reading(person, asked.id).await.expect("a reading")
    }
}

contract! {
    /// What every adapter promises those who ask and answer, of the use cases as a whole.
    ANSWERS(world: World)

    async fn a_question_is_answered_and_paid_once() {
        let (services, person) = (world.all_services(), world.person().await);
        let over = world.answered(&services, &person).await;
        assert_eq!((over.status, over.failure), (ReadingStatus::Completed, None));
        assert_eq!(over.response.as_deref(), Some("Tomorrow, perhaps."));
        assert_eq!((over.citations.clone(), over.route.clone()), (vec![citation(1)], Some(route("large"))));
        assert_eq!((over.cost, over.over_at), (usd("0.000003"), Some(Sequence::from_number(4))));
        let (items, reserved) = world.booked(&person).await;
        assert_eq!((items.len(), items[0].readings, items[0].cost), (1, 1, usd("0.000003")));
        assert_eq!((items[0].route.clone(), reserved.as_str()), (Some(route("large")), "0"));
        assert_eq!(world.lease_on(over.id, Duration::from_mins(1)).await, None, "the job has ended, too");
        assert_eq!(services.readings.wait(&person.owner, over.id).await.unwrap(), over);
    }

    async fn an_id_that_was_reserved_is_asked_with_once() {
        let (services, person) = (world.all_services(), world.person().await);
        let new = NewReading { id: Some(ReadingId::generate(&SystemIds)), ..question("Why?") };
        let asked = services.readings.ask(&person.owner, new.clone()).await.unwrap();
        assert_eq!(services.readings.ask(&person.owner, new).await.unwrap(), asked);
        let sums = world.sums(&person, &world.reservation(&person, "0")).await;
        let other = world.person().await;
        services.ask(&other, "Why?").await;
        assert_eq!(world.sums(&other, &world.reservation(&other, "0")).await, sums, "it was paid for twice");
    }

    async fn without_money_nothing_is_asked() {
        let budget = Budget { daily: Some(usd("0.0015")), ..Budget::default() };
        let (services, person) = (world.services(budget, None), world.person().await);
        services.ask(&person, "Why?").await;
        let refused = services.readings.ask(&person.owner, question("How?")).await;
        assert!(matches!(refused, Err(ReadingError::BudgetExceeded)), "{refused:?}");
        let page = services.readings.list(&person.owner, &ReadingFilter::default(), &PageRequest::default()).await;
        assert_eq!(page.unwrap().total, Some(1));
    }

    async fn a_worker_that_dies_ends_a_reading_as_interrupted_and_pays_once() {
        let (services, person) = (world.all_services(), world.person().await);
        let asked = services.ask(&person, "When will it rain?").await;
        let dying = world.lease_on(asked.id, Duration::from_millis(400)).await.unwrap();
        let commission = services.desk.take(dying, asked.id).await.unwrap().unwrap();
        let mut draft = Draft::new();
        draft.ask(route("small"));
        let first = draft.add(piece("Tomorrow"));
        assert!(services.desk.append(&[commission.entry(vec![first])]).await.unwrap().is_empty());
        tokio::time::sleep(Duration::from_millis(500)).await;
        let lease = world.lease_on(asked.id, Duration::from_mins(1)).await.unwrap();
        assert_eq!(services.desk.take(lease, asked.id).await.unwrap(), None);
        let over = world.find_reading(&person, asked.id).await.unwrap();
        assert_eq!((over.status, over.failure), (ReadingStatus::Failed, Some(Failure::Interrupted)));
        assert_eq!((over.response.as_deref(), over.is_estimated), (Some("Tomorrow"), true));
        let booked = world.booked(&person).await;
        assert_eq!((booked.0.len(), booked.0[0].readings, booked.1.as_str()), (1, 1, "0"));

        // The first one was only asleep.
        let late = draft.add(piece(", perhaps."));
        assert_eq!(services.desk.append(&[commission.entry(vec![late.clone()])]).await.unwrap(), [asked.id]);
        let completed = (ReadingStatus::Completed, None);
        assert!(!services.desk.end(dying, &commission, &draft, completed, vec![late]).await.unwrap());
        assert_eq!(world.find_reading(&person, asked.id).await, Some(over));
        assert_eq!(world.pieces(&person, asked.id).await.len(), 1);
        assert_eq!(world.booked(&person).await, booked);
    }

    async fn the_question_of_somebody_who_has_left_is_refused() {
        let (services, owner, person) = (world.all_services(), world.person().await, world.person().await);
        let context = world.join(&owner.owner, &person, tenantry_tenancy::Role::Member).await;
        let asked = services.readings.ask(&context, question("Why?")).await.unwrap();
        let mut transaction = world.ports.tenancy.begin(&owner.owner).await.unwrap();
        let membership = transaction.memberships().find(person.user.id).await.unwrap().unwrap();
        assert!(transaction.memberships().delete(person.user.id, membership.revision).await.unwrap());
        transaction.commit().await.unwrap();
        let lease = world.lease_on(asked.id, Duration::from_mins(1)).await.unwrap();
        assert_eq!(services.desk.take(lease, asked.id).await.unwrap(), None);
        let over = world.find_reading(&owner, asked.id).await.unwrap();
        assert_eq!((over.status, over.failure, over.cost), (ReadingStatus::Failed, Some(Failure::Refused), usd("0")));
        let member = Person { owner: context, ..person };
        assert_eq!(world.booked(&member).await.1, "0");
    }

    async fn a_question_that_waits_is_cancelled_at_once() {
        let (services, person) = (world.all_services(), world.person().await);
        let asked = services.ask(&person, "Why?").await;
        let cancelled = services.readings.cancel(&person.owner, asked.id).await.unwrap();
        assert_eq!((cancelled.status, cancelled.cost), (ReadingStatus::Cancelled, usd("0")));
        assert_eq!(world.find_reading(&person, asked.id).await, Some(cancelled.clone()));
        assert_eq!(services.readings.cancel(&person.owner, asked.id).await.unwrap(), cancelled);
        let lease = world.lease_on(asked.id, Duration::from_mins(1)).await.unwrap();
        assert_eq!(services.desk.take(lease, asked.id).await.unwrap(), None);
        assert_eq!(world.booked(&person).await.1, "0");
        let precondition = Precondition::None;
        services.readings.delete(&person.owner, asked.id, &precondition).await.unwrap();
        let gone = services.readings.find(&person.owner, asked.id).await;
        assert!(matches!(gone, Err(ReadingError::NotFound)), "{gone:?}");
    }

    async fn whoever_answers_hears_that_it_is_to_stop() {
        let (services, person) = (world.all_services(), world.person().await);
        let asked = services.ask(&person, "Why?").await;
        let (lease, commission) = services.take(world, asked.id).await;
        assert!(services.desk.to_stop(&[asked.id]).await.unwrap().is_empty());
        let answering = async {
            while services.desk.to_stop(&[asked.id]).await.unwrap().is_empty() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            let cancelled = (ReadingStatus::Cancelled, None);
            assert!(services.desk.end(lease, &commission, &Draft::new(), cancelled, Vec::new()).await.unwrap());
        };
        let (cancelled, ()) = tokio::join!(services.readings.cancel(&person.owner, asked.id), answering);
        assert_eq!(cancelled.unwrap().status, ReadingStatus::Cancelled);
    }

    async fn an_answer_that_nobody_listens_to_is_to_stop() {
        let (services, person) = (world.all_services(), world.person().await);
        let own = world.keep_advisor(&person, "own", "Own").await;
        let new = NewReading { advisor: own.id, ..question("Why?") };
        let asked = services.readings.ask(&person.owner, new).await.unwrap();
        services.take(world, asked.id).await;
        assert!(services.desk.to_stop(&[asked.id]).await.unwrap().is_empty());
        services.readings.hear(&person.owner, asked.id, Duration::from_mins(1)).await.unwrap();
        let mut transaction = world.at_desk().await;
        let now = world.clock.now();
        let early = transaction.readings().to_stop(&[asked.id], now + Span::seconds(59)).await.unwrap();
        let due = transaction.readings().to_stop(&[asked.id], now + Span::seconds(61)).await.unwrap();
        assert_eq!((early, due), (Vec::new(), vec![asked.id]));
    }

    async fn the_same_question_is_answered_again_for_nothing() {
        let services = world.services(Budget::default(), Some(Duration::from_mins(5)));
        let (person, other) = (world.person().await, world.person().await);
        let first = world.answered(&services, &person).await;
        let again = services.ask(&person, "When will it rain?").await;
        assert_eq!((again.status, again.cost), (ReadingStatus::Completed, usd("0")));
        assert_eq!((&again.response, &again.citations, &again.route), (&first.response, &first.citations, &first.route));
        let frames = services.follow(&person.owner, again.id, Sequence::START).await;
        assert!(matches!(&frames[1].event, FrameEvent::Piece(Piece::Text(text)) if Some(text) == first.response.as_ref()));
        assert_eq!(frames.len(), 4);
        let (items, reserved) = world.booked(&person).await;
        assert_eq!((items[0].readings, items[0].cost, reserved.as_str()), (2, first.cost, "0"));
        assert_eq!(services.ask(&other, "When will it rain?").await.status, ReadingStatus::Pending);
    }

    async fn what_was_left_lying_is_ended() {
        let (services, person) = (world.all_services(), world.person().await);
        let [waiting, begun] = ["Why?", "How?"].map(|text| services.ask(&person, text));
        let (waiting, begun) = (waiting.await, begun.await);
        let (lease, commission) = services.take(world, begun.id).await;
        let grace = Duration::from_secs(30);
        services.desk.end_overdue(grace).await.unwrap();
        assert_eq!(world.find_reading(&person, waiting.id).await, Some(waiting.clone()));
        let later = world.desk(Arc::new(FixedClock::at(world.clock.now() + Span::minutes(6))));
        // Others may have left some as well.
        while later.end_overdue(grace).await.unwrap() > 0 {}
        for id in [waiting.id, begun.id] {
            let over = world.find_reading(&person, id).await.unwrap();
            assert_eq!((over.status, over.failure), (ReadingStatus::Failed, Some(Failure::Interrupted)));
        }
        let completed = (ReadingStatus::Completed, None);
        assert!(!services.desk.end(lease, &commission, &Draft::new(), completed, Vec::new()).await.unwrap());
        assert_eq!(world.booked(&person).await.1, "0");
    }

    async fn a_reading_whose_reservation_is_lost_keeps_no_others_from_being_ended() {
        let (services, person) = (world.all_services(), world.person().await);
        let lost = world.new_reading(&person);
        let mut transaction = world.in_tenant(&person).await;
        assert!(transaction.readings().insert(&lost).await.unwrap());
        transaction.commit().await.unwrap();
        let waiting = services.ask(&person, "Why?").await;
        let later = world.desk(Arc::new(FixedClock::at(world.clock.now() + Span::minutes(6))));
        let told = later.end_overdue(Duration::from_secs(30)).await;
        assert!(matches!(told, Err(StorageError::Corrupt(_))), "{told:?}");
        assert_eq!(world.find_reading(&person, lost.id).await, Some(lost.clone()));
        assert_eq!(world.find_reading(&person, waiting.id).await.unwrap().status, ReadingStatus::Failed);
        let mut transaction = world.in_tenant(&person).await;
        assert!(transaction.readings().delete(lost.id, lost.revision).await.unwrap());
        transaction.commit().await.unwrap();
    }

    async fn a_reading_that_is_followed_is_the_same_wherever_one_begins() {
        let (services, person) = (world.all_services(), world.person().await);
        let over = world.answered(&services, &person).await;
        let frames = services.follow(&person.owner, over.id, Sequence::START).await;
        let places: Vec<i64> = frames.iter().map(|frame| frame.sequence.number()).collect();
        assert_eq!(places, [0, 1, 2, 3, 4]);
        assert_eq!(frames[0].event, FrameEvent::Asked(Box::new(over.as_asked())));
        assert_eq!(frames[4].event, FrameEvent::Over(Box::new(over.clone())));
        for place in -1..=5_i64 {
            let rest = services.follow(&person.owner, over.id, Sequence::from_number(place)).await;
            assert_eq!(rest, frames[usize::try_from(place + 1).unwrap().min(5)..], "behind {place}");
        }
    }

    async fn whoever_follows_from_the_beginning_gets_the_same_as_who_comes_late() {
        let (services, person) = (world.all_services(), world.person().await);
        let asked = services.ask(&person, "When will it rain?").await;
        let following = services.follow(&person.owner, asked.id, Sequence::START);
        let answering = async {
            let (lease, commission) = services.take(world, asked.id).await;
            let mut draft = Draft::new();
            draft.ask(route("small"));
            for word in ["Tomorrow", " or", " the", " day", " after."] {
                let chunk = draft.add(piece(word));
                assert!(services.desk.append(&[commission.entry(vec![chunk])]).await.unwrap().is_empty());
                tokio::time::sleep(Duration::from_millis(7)).await;
            }
            let completed = (ReadingStatus::Completed, None);
            assert!(services.desk.end(lease, &commission, &draft, completed, Vec::new()).await.unwrap());
        };
        let (early, ()) = tokio::join!(following, answering);
        assert_eq!(early.len(), 7);
        assert_eq!(services.follow(&person.owner, asked.id, Sequence::START).await, early);
    }

    async fn what_an_erased_account_asked_goes_and_what_it_cost_stays() {
        let (services, owner, person) = (world.all_services(), world.person().await, world.person().await);
        let context = world.join(&owner.owner, &person, tenantry_tenancy::Role::Member).await;
        let member = Person { owner: context, ..person };
        let (theirs, kept) = (world.answered(&services, &member).await, world.answered(&services, &owner).await);
        world.delete(&member).await;
        world.erase_deleted().await;
        assert_eq!(world.find_reading(&owner, theirs.id).await, None);
        assert!(world.pieces(&owner, theirs.id).await.is_empty());
        assert_eq!(world.find_reading(&owner, kept.id).await, Some(kept.clone()));
        assert_eq!(world.pieces(&owner, kept.id).await.len(), 3);
        let sums = world.sums(&owner, &world.reservation(&owner, "0")).await;
        assert_eq!(sums[1].settled, usd("0.000006"));
        let today = world.clock.now().date_naive();
        let mut transaction = world.ports.readings.read(&owner.owner).await.unwrap();
        let filter = UsageFilter { user_id: None, from: today, to: today };
        assert_eq!(transaction.ledger().usage(&filter).await.unwrap()[0].readings, 2);
    }

    async fn c8_an_erased_organisation_takes_its_readings_along() {
        let (services, person, other) = (world.all_services(), world.person().await, world.person().await);
        let (gone, kept) = (world.answered(&services, &person).await, world.answered(&services, &other).await);
        world.keep_advisor(&person, "own", "Own").await;
        world.delete_organization(&person).await;
        let now = world.clock.now();
        let due = PurgeLimits { erase_deleted_by: now, ..PurgeLimits::expired_by(now) };
        assert!(world.ports.housekeeping.purge(due).await.unwrap().organizations >= 1);
        let mut transaction = world.at_desk().await;
        assert_eq!(transaction.readings().find(gone.id).await.unwrap(), None);
        assert!(transaction.log().read(gone.id, Sequence::ASKED, 9).await.unwrap().is_empty());
        assert_eq!(transaction.readings().find(kept.id).await.unwrap(), Some(kept.clone()));
        drop(transaction);
        assert_eq!(world.booked(&other).await.0.len(), 1);
    }

    async fn c6_nobody_follows_or_cancels_another_organisations_reading() {
        let (services, person, other) = (world.all_services(), world.person().await, world.person().await);
        let asked = services.ask(&person, "Why?").await;
        for refused in [
            services.readings.find(&other.owner, asked.id).await.err(),
            services.readings.cancel(&other.owner, asked.id).await.err(),
            services.readings.delete(&other.owner, asked.id, &Precondition::None).await.err(),
            services.readings.hear(&other.owner, asked.id, Duration::from_secs(1)).await.err(),
            services.readings.follow(&other.owner, asked.id, Sequence::START).await.err(),
        ] {
            assert!(matches!(refused, Some(ReadingError::NotFound)), "{refused:?}");
        }
        assert_eq!(world.find_reading(&person, asked.id).await, Some(asked));
    }
}

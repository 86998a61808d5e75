use chrono::{Duration, NaiveDate};
use futures_util::{StreamExt as _, future::join_all, stream};
use tenantry_kernel::{StorageError, SystemIds};
use tenantry_readings::{Account, Bill, Budget, NanoUsd, Period, ReadingId, Reservation, Settlement, Spent};

use super::{route, usd};
use crate::{Person, World, contract::contract};

pub(super) fn monthly(limit: &str) -> Budget {
    Budget { monthly: Some(usd(limit)), ..Budget::default() }
}

pub(super) fn settlement(reservation: &Reservation, cost: &str) -> Settlement {
    let (cost, computed) = (usd(cost), usd("7"));
    let bill = Bill { prompt_tokens: 3, completion_tokens: 5, cost, computed, is_estimated: false };
    Settlement {
        reading_id: reservation.reading_id,
        organization_id: reservation.organization_id,
        route: Some(route("small")),
        price_from: NaiveDate::from_ymd_opt(2026, 1, 1),
        bill,
        created_at: reservation.created_at + Duration::seconds(9),
    }
}

fn spent(settled: &str, reserved: &str) -> Spent {
    Spent { settled: usd(settled), reserved: usd(reserved) }
}

impl World {
    /// Puts money aside, and keeps that if it was possible.
    pub(super) async fn put_aside(&self, person: &Person, reservation: &Reservation, budget: &Budget) -> bool {
        let mut transaction = self.in_tenant(person).await;
        let is_reserved = transaction.ledger().reserve(reservation, budget).await.expect("an answer");
        if is_reserved {
            transaction.commit().await.expect("a commit");
        }
        is_reserved
    }

    pub(super) async fn book(&self, settlement: &Settlement) -> Result<bool, StorageError> {
        let mut transaction = self.at_desk().await;
        let is_first = transaction.ledger().settle(settlement).await?;
        transaction.commit().await?;
        Ok(is_first)
    }

    /// What the four accounts of a reading stand at.
    pub(super) async fn sums(&self, person: &Person, reservation: &Reservation) -> [Spent; 4] {
        let mut transaction = self.ports.readings.read(&person.owner).await.expect("a transaction");
        let mut sums = [Spent::default(); 4];
        for (sum, account) in sums.iter_mut().zip(Account::of(reservation.user_id, reservation.day)) {
            *sum = transaction.ledger().spent(&account).await.expect("a sum");
        }
        sums
    }
}

contract! {
    /// What every adapter promises of money put aside and settled.
    RESERVATIONS(world: World)

    async fn money_is_put_aside_up_to_each_limit_and_not_beyond() {
        let limits = [
            monthly("3"),
            Budget { daily: Some(usd("3")), ..Budget::default() },
            Budget { per_user_monthly: Some(usd("3")), ..Budget::default() },
            Budget { per_user_daily: Some(usd("3")), ..Budget::default() },
        ];
        for budget in limits {
            let person = world.person().await;
            let of = |amount| world.reservation(&person, amount);
            assert!(!world.put_aside(&person, &of("3.000000001"), &budget).await, "{budget:?}");
            assert!(world.put_aside(&person, &of("1"), &budget).await, "{budget:?}");
            assert!(!world.put_aside(&person, &of("2.000000001"), &budget).await, "{budget:?}");
            assert!(world.put_aside(&person, &of("2"), &budget).await, "{budget:?}");
            assert!(!world.put_aside(&person, &of("0.000000001"), &budget).await, "{budget:?}");
            assert!(world.put_aside(&person, &of("0"), &budget).await, "{budget:?}");
            assert!(world.put_aside(&person, &of("5"), &Budget::default()).await);
            assert_eq!(world.sums(&person, &of("0")).await, [spent("0", "8"); 4]);
        }
    }

    async fn a_refusal_leaves_nothing_behind() {
        let person = world.person().await;
        let reservation = world.reservation(&person, "2");
        // The last account that is looked at refuses.
        let budget = Budget { per_user_monthly: Some(usd("1")), monthly: Some(usd("9")), ..Budget::default() };
        assert!(world.put_aside(&person, &world.reservation(&person, "1"), &budget).await);
        let mut transaction = world.in_tenant(&person).await;
        assert!(!transaction.ledger().reserve(&reservation, &budget).await.unwrap());
        assert!(transaction.commit().await.is_err(), "half of a reservation was kept");
        assert_eq!(world.sums(&person, &reservation).await, [spent("0", "1"); 4]);
    }

    async fn days_and_months_and_members_have_sums_of_their_own() {
        let (person, colleague) = (world.person().await, world.person().await);
        world.join(&person.owner, &colleague, tenantry_tenancy::Role::Member).await;
        let first = Reservation { day: NaiveDate::from_ymd_opt(2026, 11, 30).unwrap(), ..world.reservation(&person, "1") };
        let same_month = Reservation {
            day: NaiveDate::from_ymd_opt(2026, 11, 1).unwrap(),
            user_id: colleague.user.id,
            ..world.reservation(&person, "2")
        };
        let next_month = Reservation { day: NaiveDate::from_ymd_opt(2026, 12, 1).unwrap(), ..world.reservation(&person, "4") };
        for reservation in [&first, &same_month, &next_month] {
            assert!(world.put_aside(&person, reservation, &monthly("4")).await);
        }
        assert_eq!(world.sums(&person, &first).await.map(|sum| sum.reserved), ["1", "3", "1", "1"].map(usd));
        assert_eq!(world.sums(&person, &same_month).await.map(|sum| sum.reserved), ["2", "3", "2", "2"].map(usd));
        assert_eq!(world.sums(&person, &next_month).await.map(|sum| sum.reserved), ["4", "4", "4", "4"].map(usd));
        let mut transaction = world.ports.readings.read(&person.owner).await.unwrap();
        // Any day of a month names it.
        let period = Period::Month(NaiveDate::from_ymd_opt(2026, 11, 17).unwrap());
        let month = transaction.ledger().spent(&Account { user_id: None, period }).await.unwrap();
        assert_eq!(month, spent("0", "3"));
    }

    async fn of_a_thousand_reservations_at_once_as_many_succeed_as_there_is_money_for() {
        let person = &world.person().await;
        let budget = &monthly("0.5");
        let tries = stream::iter(0..1_000).map(|_| async move {
            let reservation = world.reservation(person, "0.01");
            world.put_aside(person, &reservation, budget).await
        });
        let outcomes: Vec<bool> = tries.buffer_unordered(32).collect().await;
        assert_eq!(outcomes.iter().filter(|is_reserved| **is_reserved).count(), 50);
        assert_eq!(world.sums(person, &world.reservation(person, "0")).await, [spent("0", "0.5"); 4]);
        let mut transaction = world.at_desk().await;
        let wrong = transaction.ledger().reconcile(false).await.unwrap();
        assert!(wrong.iter().all(|wrong| wrong.organization_id != person.owner.organization_id()), "{wrong:?}");
    }

    async fn a_settlement_takes_the_place_of_what_was_put_aside() {
        let person = world.person().await;
        let (first, second) = (world.reservation(&person, "2"), world.reservation(&person, "3"));
        for reservation in [&first, &second] {
            assert!(world.put_aside(&person, reservation, &monthly("5")).await);
        }
        assert!(!world.put_aside(&person, &world.reservation(&person, "1"), &monthly("5")).await);
        assert!(world.book(&settlement(&first, "0.5")).await.unwrap());
        assert_eq!(world.sums(&person, &first).await, [spent("0.5", "3"); 4]);
        assert!(world.put_aside(&person, &world.reservation(&person, "1.5"), &monthly("5")).await);
        // It may cost more than was thought.
        assert!(world.book(&settlement(&second, "4")).await.unwrap());
        assert_eq!(world.sums(&person, &first).await, [spent("4.5", "1.5"); 4]);
    }

    async fn a_settlement_counts_when_the_reading_was_asked_for() {
        let person = world.person().await;
        let day = NaiveDate::from_ymd_opt(2026, 11, 30).unwrap();
        let reservation = Reservation { day, ..world.reservation(&person, "2") };
        assert!(world.put_aside(&person, &reservation, &Budget::default()).await);
        let late = Settlement { created_at: reservation.created_at + Duration::days(400), ..settlement(&reservation, "1") };
        assert!(world.book(&late).await.unwrap());
        assert_eq!(world.sums(&person, &reservation).await, [spent("1", "0"); 4]);
    }

    async fn of_settlements_at_once_one_counts() {
        let person = world.person().await;
        let reservation = world.reservation(&person, "2");
        assert!(world.put_aside(&person, &reservation, &Budget::default()).await);
        let tries = (1..=8_i64).map(|number| {
            let mut settlement = settlement(&reservation, "1");
            settlement.bill.cost = NanoUsd::from_nanos(number);
            async move { (number, world.book(&settlement).await.unwrap()) }
        });
        let first: Vec<i64> =
            join_all(tries).await.into_iter().filter_map(|(number, is_first)| is_first.then_some(number)).collect();
        let [number] = first[..] else { panic!("{first:?} counted") };
        let wanted = Spent { settled: NanoUsd::from_nanos(number), reserved: NanoUsd::ZERO };
        assert_eq!(world.sums(&person, &reservation).await, [wanted; 4]);
        assert!(!world.book(&settlement(&reservation, "1")).await.unwrap());
        assert_eq!(world.sums(&person, &reservation).await, [wanted; 4]);
    }

    async fn nothing_is_settled_that_was_not_put_aside() {
        let person = world.person().await;
        let reservation = world.reservation(&person, "2");
        let refused = world.book(&settlement(&reservation, "1")).await;
        assert!(matches!(refused, Err(StorageError::Corrupt(_))), "{refused:?}");
        assert_eq!(world.sums(&person, &reservation).await, [Spent::default(); 4]);
    }

    async fn a_reading_reserves_once() {
        let person = world.person().await;
        let reservation = world.reservation(&person, "2");
        assert!(world.put_aside(&person, &reservation, &Budget::default()).await);
        let mut transaction = world.in_tenant(&person).await;
        assert!(transaction.ledger().reserve(&reservation, &Budget::default()).await.is_err());
        drop(transaction);
        assert_eq!(world.sums(&person, &reservation).await, [spent("0", "2"); 4]);
    }

    async fn c6_nobody_touches_another_organisations_money() {
        let (person, other) = (world.person().await, world.person().await);
        let reservation = world.reservation(&person, "2");
        assert!(world.put_aside(&person, &reservation, &monthly("2")).await);
        assert_eq!(world.sums(&other, &reservation).await, [Spent::default(); 4]);
        // Their own sums are not these.
        assert!(world.put_aside(&other, &world.reservation(&other, "2"), &monthly("2")).await);
        let mut transaction = world.in_tenant(&other).await;
        assert!(transaction.ledger().settle(&settlement(&reservation, "1")).await.is_err());
        drop(transaction);
        let mut transaction = world.in_tenant(&other).await;
        let foreign = Reservation { reading_id: ReadingId::generate(&SystemIds), ..reservation.clone() };
        assert!(transaction.ledger().reserve(&foreign, &Budget::default()).await.is_err());
        drop(transaction);
        assert_eq!(world.sums(&person, &reservation).await, [spent("0", "2"); 4]);
    }
}

use chrono::{Duration, NaiveDate};
use tenantry_kernel::{Clock as _, Revision, UserId};
use tenantry_readings::ports::UsageFilter;
use tenantry_readings::{AdvisorId, Bill, Budget, OwnBudget, Reservation, Settlement, UsageItem};

use super::reserving::{monthly, settlement};
use super::{route, usd};
use crate::{Person, World, contract::contract};

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, day).expect("a day")
}

fn filter(user_id: Option<UserId>, from: u32, to: u32) -> UsageFilter {
    UsageFilter { user_id, from: day(from), to: day(to) }
}

impl World {
    async fn usage(&self, person: &Person, filter: UsageFilter) -> Vec<UsageItem> {
        let mut transaction = self.ports.readings.read(&person.owner).await.expect("a transaction");
        transaction.ledger().usage(&filter).await.expect("items")
    }

    /// A reading of the person's that is over.
    async fn spend(&self, person: &Person, (on, advisor, model): (u32, &str, Option<&str>), cost: &str) {
        let advisor = AdvisorId::parse(advisor).expect("an id");
        let reservation = Reservation { day: day(on), advisor, ..self.reservation(person, "9") };
        assert!(self.put_aside(person, &reservation, &Budget::default()).await);
        let settlement = match model {
            Some(model) => Settlement { route: Some(route(model)), ..settlement(&reservation, cost) },
            None => Settlement { route: None, bill: Bill::default(), ..settlement(&reservation, cost) },
        };
        assert!(self.book(&settlement).await.expect("a settlement"));
    }

    async fn find_budget(&self, person: &Person) -> Option<OwnBudget> {
        let mut transaction = self.ports.readings.read(&person.owner).await.expect("a transaction");
        transaction.ledger().budget().await.expect("an answer")
    }

    fn own_budget(&self, person: &Person, budget: Budget) -> OwnBudget {
        let (organization_id, updated_at) = (person.owner.organization_id(), self.clock.now());
        OwnBudget { organization_id, budget, updated_at, revision: Revision::FIRST }
    }

    async fn put_budget(&self, person: &Person, budget: &OwnBudget, expected: Option<Revision>) -> bool {
        let mut transaction = self.in_tenant(person).await;
        let is_put = transaction.ledger().put_budget(budget, expected).await.expect("an answer");
        transaction.commit().await.expect("a commit");
        is_put
    }
}

fn item((on, advisor, model): (u32, &str, Option<&str>), readings: u64, cost: &str) -> UsageItem {
    let billed = if model.is_some() { readings } else { 0 };
    UsageItem {
        day: day(on),
        advisor: AdvisorId::parse(advisor).expect("an id"),
        route: model.map(route),
        readings,
        prompt_tokens: 3 * billed,
        completion_tokens: 5 * billed,
        cost: usd(cost),
    }
}

contract! {
    /// What every adapter promises of budgets, and of what was spent.
    READING_LEDGER(world: World)

    async fn a_budget_comes_back_as_it_was_stored() {
        let person = world.person().await;
        assert_eq!(world.find_budget(&person).await, None);
        let first = world.own_budget(&person, monthly("1000000000"));
        assert!(!world.put_budget(&person, &first, Some(Revision::FIRST)).await, "there is none");
        assert!(world.put_budget(&person, &first, None).await);
        assert_eq!(world.find_budget(&person).await, Some(first));
        let budget = Budget {
            monthly: None,
            daily: Some(usd("0")),
            per_user_monthly: Some(usd("0.000000001")),
            per_user_daily: Some(usd("2")),
        };
        let updated_at = first.updated_at + Duration::microseconds(1);
        let second = OwnBudget { budget, updated_at, revision: first.revision.next(), ..first };
        assert!(!world.put_budget(&person, &second, None).await, "there is one");
        assert!(!world.put_budget(&person, &second, Some(second.revision)).await, "another revision");
        assert_eq!(world.find_budget(&person).await, Some(first));
        assert!(world.put_budget(&person, &second, Some(first.revision)).await);
        assert_eq!(world.find_budget(&person).await, Some(second));
    }

    async fn usage_is_told_by_day_advisor_and_model() {
        let (person, colleague) = (world.person().await, world.person().await);
        let membership = world.join(&person.owner, &colleague, tenantry_tenancy::Role::Member).await;
        let colleague = Person { owner: membership, ..colleague };
        let spent = [
            ((2, "legba", Some("small")), "1"),
            ((1, "legba", Some("small")), "0.000000001"),
            ((2, "legba", Some("large")), "2"),
            ((2, "anansi", Some("small")), "3"),
            ((2, "legba", Some("small")), "0.5"),
            ((2, "legba", None), "0"),
            ((3, "legba", Some("small")), "8"),
        ];
        for (of, cost) in spent {
            world.spend(&person, of, cost).await;
        }
        world.spend(&colleague, (2, "legba", Some("small")), "4").await;
        // Under way, and so not spent.
        assert!(world.put_aside(&person, &Reservation { day: day(2), ..world.reservation(&person, "9") }, &Budget::default()).await);
        let first = item((1, "legba", Some("small")), 1, "0.000000001");
        let of_second = [
            item((2, "anansi", Some("small")), 1, "3"),
            item((2, "legba", None), 1, "0"),
            item((2, "legba", Some("large")), 1, "2"),
        ];
        let both = item((2, "legba", Some("small")), 3, "5.5");
        let wanted: Vec<_> = [first.clone()].into_iter().chain(of_second.clone()).chain([both]).collect();
        assert_eq!(world.usage(&person, filter(None, 1, 2)).await, wanted);
        let own = item((2, "legba", Some("small")), 2, "1.5");
        let wanted: Vec<_> = of_second.into_iter().chain([own]).collect();
        assert_eq!(world.usage(&person, filter(Some(person.user.id), 2, 2)).await, wanted);
        let of_colleague = world.usage(&person, filter(Some(colleague.user.id), 1, 30)).await;
        assert_eq!(of_colleague, [item((2, "legba", Some("small")), 1, "4")]);
        assert!(world.usage(&person, filter(None, 4, 30)).await.is_empty());
        assert!(world.usage(&person, filter(None, 2, 1)).await.is_empty());
    }

    async fn what_a_reading_cost_stays_when_it_is_deleted() {
        let person = world.person().await;
        let reading = world.new_reading(&person);
        let mut transaction = world.in_tenant(&person).await;
        assert!(transaction.readings().insert(&reading).await.unwrap());
        transaction.commit().await.unwrap();
        let reservation = Reservation { day: day(5), ..Reservation::of(&reading, usd("2")) };
        assert!(world.put_aside(&person, &reservation, &Budget::default()).await);
        assert!(world.book(&settlement(&reservation, "1")).await.unwrap());
        let mut transaction = world.in_tenant(&person).await;
        assert!(transaction.readings().delete(reading.id, reading.revision).await.unwrap());
        transaction.commit().await.unwrap();
        assert_eq!(world.usage(&person, filter(None, 5, 5)).await, [item((5, "legba", Some("small")), 1, "1")]);
        assert_eq!(world.sums(&person, &reservation).await[0].settled, usd("1"));
    }

    async fn sums_are_what_their_rows_come_to() {
        let person = world.person().await;
        world.spend(&person, (1, "legba", Some("small")), "1").await;
        world.spend(&person, (2, "legba", None), "0").await;
        assert!(world.put_aside(&person, &world.reservation(&person, "9"), &Budget::default()).await);
        for is_mending in [false, true] {
            let mut transaction = world.in_tenant(&person).await;
            assert_eq!(transaction.ledger().reconcile(is_mending).await.unwrap(), []);
            transaction.commit().await.unwrap();
            let mut transaction = world.at_desk().await;
            assert_eq!(transaction.ledger().reconcile(is_mending).await.unwrap(), []);
        }
    }

    async fn c6_nobody_sees_or_changes_another_organisations_budget() {
        let (person, other) = (world.person().await, world.person().await);
        let budget = world.own_budget(&person, monthly("3"));
        assert!(world.put_budget(&person, &budget, None).await);
        assert_eq!(world.find_budget(&other).await, None);
        let changed = OwnBudget { budget: monthly("9"), revision: budget.revision.next(), ..budget };
        let mut transaction = world.in_tenant(&other).await;
        assert!(!transaction.ledger().put_budget(&changed, Some(budget.revision)).await.unwrap());
        transaction.commit().await.unwrap();
        let third = world.person().await;
        let mut transaction = world.in_tenant(&other).await;
        assert!(transaction.ledger().put_budget(&world.own_budget(&third, monthly("9")), None).await.is_err());
        drop(transaction);
        assert_eq!(world.find_budget(&person).await, Some(budget));
    }

    async fn c6_nobody_sees_what_another_organisation_has_spent() {
        let (person, other) = (world.person().await, world.person().await);
        world.spend(&person, (1, "legba", Some("small")), "1").await;
        assert!(world.usage(&other, filter(None, 1, 30)).await.is_empty());
        assert!(world.usage(&other, filter(Some(person.user.id), 1, 30)).await.is_empty());
    }
}

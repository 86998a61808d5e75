//! Eight tabs of one browser share a refresh token, lose answers, try again and overtake one another: they are never
//! signed out for that. A thief who presents a token that was replaced longer ago than the grace period, and whose
//! successor was used, always is, and the browser with them. `TEST_CASES` says how many cases there are.

mod browser;
mod family;

use std::sync::Arc;

use chrono::Duration;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use tenantry_testkit::{ClearHasher, Person, World, environment};
use tokio::runtime::Runtime;

use self::browser::{Browser, Burst, Exchange, TABS, Trip};
use self::family::Family;
use super::{
    contracts::world,
    fixture::{TestStore, postgres, sqlite},
    sign_in_desk::{LIMITS, SignInDesk},
};

/// How many cases there are unless the environment says otherwise.
const CASES: u64 = 100;

/// When a token is stolen, and when it is presented.
#[derive(Debug, Clone)]
struct Theft {
    /// Which of those that the browser has had until then.
    token: Index,
    /// After which burst.
    burst: Index,
    /// How long after it, in seconds.
    wait: i64,
    /// How often what came of it is exchanged in turn, and how long after each time.
    further: Vec<i64>,
}

fn trip() -> impl Strategy<Value = Trip> {
    (0..=5_i64, 0..=5_i64, 0..=10_i64).prop_map(|(there, back, pause)| Trip { there, back, pause })
}

fn exchange() -> impl Strategy<Value = Exchange> {
    (0..=60_i64, vec(trip(), 1..=3)).prop_map(|(wait, trips)| Exchange { wait, trips })
}

fn burst() -> impl Strategy<Value = Burst> {
    let pause = prop_oneof![0..=30_i64, 0..=3 * 24 * 3_600_i64];
    let tabs = vec(vec(exchange(), 0..=2), TABS);
    (pause, prop::bool::weighted(0.2), tabs).prop_map(|(pause, is_cut_off, tabs)| Burst { pause, is_cut_off, tabs })
}

fn theft() -> impl Strategy<Value = Theft> {
    let wait = prop_oneof![0..=20_i64, 0..=24 * 3_600_i64];
    (any::<Index>(), any::<Index>(), wait, vec(0..=20_i64, 0..=3)).prop_map(|(token, burst, wait, further)| Theft {
        token,
        burst,
        wait,
        further,
    })
}

/// Somebody who signs in anew for each case.
struct Case {
    runtime: Runtime,
    world: &'static World,
    desk: SignInDesk,
    person: Person,
}

impl Case {
    fn in_store(runtime: Runtime, store: TestStore) -> Self {
        let database = Arc::new(store.database.clone());
        let world = world(store);
        let desk = SignInDesk::new(world, &database, Arc::new(ClearHasher));
        let person = runtime.block_on(world.person());
        Self { runtime, world, desk, person }
    }

    fn check<S: Strategy>(&self, strategy: &S, case: &impl AsyncFn(&Self, S::Value)) {
        let cases = environment::number("TEST_CASES").unwrap_or(CASES).try_into().unwrap();
        let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
        let outcome = runner.run(strategy, |value| {
            self.runtime.block_on(case(self, value));
            Ok::<_, TestCaseError>(())
        });
        outcome.unwrap_or_else(|error| panic!("{error}"));
    }

    async fn start(&self) -> (Family<'_>, Browser) {
        let tokens = self.desk.sign_in(&self.person).await.unwrap().tokens;
        (Family::new(&self.desk, &self.world.clock, tokens.access_token), Browser::new(tokens.refresh_token))
    }
}

async fn honest_tabs_stay_signed_in(case: &Case, bursts: Vec<Burst>) {
    let (mut family, mut browser) = case.start().await;
    for burst in bursts {
        browser.live_through(burst, &mut family).await;
        assert!(!family.has_ended(), "signed out");
    }
}

async fn a_thief_is_caught(case: &Case, (bursts, theft): (Vec<Burst>, Theft)) {
    let (mut family, mut browser) = case.start().await;
    let mut loot = String::new();
    let day = theft.burst.index(bursts.len());
    for (number, burst) in bursts.into_iter().enumerate() {
        browser.live_through(burst, &mut family).await;
        if number == day {
            family.wait(Duration::seconds(theft.wait));
            loot = theft.token.get(browser.tokens()).clone();
            for wait in [0].iter().chain(&theft.further) {
                family.wait(Duration::seconds(*wait));
                loot = family.present(&loot).await.unwrap_or(loot);
            }
        }
    }
    // As often as it takes to leave behind a thief who was ahead.
    for _ in 0..3 {
        family.wait(LIMITS.refresh_grace.0 * 2);
        browser.exchange(&mut family).await;
    }
    family.wait(LIMITS.refresh_grace.0 * 2);
    assert_eq!(family.present(&loot).await, None);
    family.check_ended([&loot].into_iter().chain(browser.tokens())).await;
}

macro_rules! on_both {
    ($($name:ident: $strategy:expr;)+) => {$(
        mod $name {
            use super::*;

            #[test]
            fn on_sqlite() {
                let runtime = Runtime::new().unwrap();
                let store = runtime.block_on(sqlite());
                Case::in_store(runtime, store).check(&$strategy, &super::$name);
            }

            #[test]
            fn on_postgresql() {
                let runtime = Runtime::new().unwrap();
                let Some(store) = runtime.block_on(postgres()) else { return };
                Case::in_store(runtime, store).check(&$strategy, &super::$name);
            }
        }
    )+};
}

on_both! {
    honest_tabs_stay_signed_in: vec(burst(), 1..=4);
    a_thief_is_caught: (vec(burst(), 1..=4), theft());
}

//! Budgets hold, however many ask at once.

use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use tenantry_readings::{Budget, NanoUsd, ReadingError, ReadingStatus};

use super::provider::{Actor, Beat};
use super::site::{Differences, Site, price, sites};

/// What the longest answer to [`QUESTION`] costs: its bytes, those of the instructions and some, and all tokens that may
/// be written.
fn most_of_one() -> NanoUsd {
    let prompt = "Be brief.".len() + QUESTION.len() + 64;
    price().of(prompt.try_into().unwrap(), 2_048)
}

const QUESTION: &str = "Which way?";

fn budget_for(readings: i64) -> Budget {
    Budget { monthly: Some(NanoUsd::from_nanos(most_of_one().nanos() * readings)), ..Budget::default() }
}

async fn ask_in_parallel(site: &Site, budget: Budget, asks: usize) -> usize {
    let charge = most_of_one();
    let actor = Actor::new(move |_| vec![Beat::Say("Left."), Beat::Charge(charge)]);
    let process = site.process(actor.clone(), &Differences { budget, ..Differences::default() });
    let worker = process.work();
    let context = &site.ada.owner;
    let outcomes: Vec<_> =
        stream::iter(0..asks).map(|_| process.ask(context, QUESTION)).buffer_unordered(64).collect().await;
    let mut asked = Vec::new();
    for outcome in outcomes {
        match outcome {
            Ok(reading) => asked.push(reading.id),
            Err(error) => assert!(matches!(error, ReadingError::BudgetExceeded), "{error:?}"),
        }
    }
    for id in &asked {
        let reading = process.wait(context, *id).await;
        assert_eq!((reading.status, reading.cost), (ReadingStatus::Completed, charge));
    }
    assert_eq!(actor.calls(), asked.len());
    drop(worker);
    asked.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn m10_a_thousand_parallel_questions_never_spend_more_than_the_budget() {
    for site in sites().await {
        assert_eq!(ask_in_parallel(&site, budget_for(50), 1_000).await, 50);
        site.assert_settled(50).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m10_what_a_member_may_spend_concerns_nobody_else() {
    for site in sites().await {
        let budget = Budget { monthly: None, per_user_daily: budget_for(3).monthly, ..Budget::default() };
        let charge = most_of_one();
        let actor = Actor::new(move |_| vec![Beat::Say("Left."), Beat::Charge(charge)]);
        let process = site.process(actor, &Differences { budget, ..Differences::default() });
        let _worker = process.work();
        for person in [&site.ada, &site.bob] {
            for _ in 0..3 {
                let reading = process.ask(&person.owner, QUESTION).await.unwrap();
                process.wait(&person.owner, reading.id).await;
            }
            let refused = process.ask(&person.owner, QUESTION).await;
            assert!(matches!(refused, Err(ReadingError::BudgetExceeded)), "{refused:?}");
        }
        site.assert_settled(6).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m10_what_is_not_used_comes_back_at_the_end() {
    for site in sites().await {
        let actor = Actor::new(|_| vec![Beat::Say("Left."), Beat::Charge(NanoUsd::from_nanos(1))]);
        let process = site.process(actor, &Differences { budget: budget_for(2), ..Differences::default() });
        let _worker = process.work();
        for _ in 0..20 {
            let reading = process.ask(&site.ada.owner, QUESTION).await.unwrap();
            process.wait(&site.ada.owner, reading.id).await;
        }
        assert_eq!(site.number("SELECT CAST(max(settled) AS BIGINT) FROM reading_sums").await, 20);
        site.assert_settled(20).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m10_an_answer_is_given_again_within_its_organization_only() {
    for site in sites().await {
        let actor = Actor::new(|_| vec![Beat::Say("Left."), Beat::Charge(NanoUsd::from_nanos(7))]);
        let reuse_for = Some(Duration::from_mins(1));
        let process = site.process(actor.clone(), &Differences { reuse_for, ..Differences::default() });
        let _worker = process.work();
        let mut costs = Vec::new();
        for person in [&site.ada, &site.ada, &site.bob] {
            let reading = process.ask(&person.owner, QUESTION).await.unwrap();
            let reading = process.wait(&person.owner, reading.id).await;
            assert_eq!(reading.response.as_deref(), Some("Left."));
            costs.push(reading.cost.nanos());
        }
        assert_eq!((costs, actor.calls()), (vec![7, 0, 7], 2));
        site.assert_settled(3).await;
    }
}

//! No connection is held, and nobody takes more than their share.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tenantry_kernel::PageRequest;
use tenantry_readings::{ReadingFilter, ReadingStatus};
use tenantry_store::StoreOptions;
use tokio::time::sleep;

use super::provider::{Actor, Beat};
use super::site::{Differences, sites, sites_with};

#[tokio::test(flavor = "multi_thread")]
async fn m11_two_hundred_slow_answers_leave_a_pool_of_two_free() {
    let two = |options: StoreOptions| StoreOptions { pool_size: 2, pool_overflow: 0, ..options };
    for site in sites_with(two).await {
        let slow = Duration::from_secs(3);
        let actor = Actor::new(move |_| vec![Beat::Say("Well, "), Beat::Pause(slow), Beat::Say("left.")]);
        let process = site.process(actor.clone(), &Differences::default());
        let _worker = process.work();
        let ada = &site.ada.owner;
        let asked = join_all((0..200).map(|_| process.ask(ada, "Which way?"))).await;
        let asked: Vec<_> = asked.into_iter().map(|reading| reading.unwrap().id).collect();
        // All of them are being answered, and the two connections serve whoever comes.
        let began = Instant::now();
        while actor.most_open() < 200 {
            process.readings.list(ada, &ReadingFilter::default(), &PageRequest::default()).await.unwrap();
            assert!(began.elapsed() < Duration::from_secs(30), "{} at the same time", actor.most_open());
            sleep(Duration::from_millis(5)).await;
        }
        for id in asked {
            assert_eq!(process.wait(ada, id).await.status, ReadingStatus::Completed);
        }
        site.assert_settled(200).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m11_an_organization_that_asks_ten_times_its_share_does_not_hold_up_another() {
    for site in sites().await {
        let actor =
            Actor::new(|_| vec![Beat::Say("Well, "), Beat::Pause(Duration::from_millis(40)), Beat::Say("left.")]);
        let process = site.process(actor, &Differences { answers: (8, Some(6)), ..Differences::default() });
        let _worker = process.work();
        let greedy = join_all((0..500).map(|_| process.ask(&site.bob.owner, "Me! Me!"))).await;
        let mut waits = Vec::new();
        for _ in 0..50 {
            let asked = Instant::now();
            let reading = process.ask(&site.ada.owner, "Which way?").await.unwrap();
            let reading = process.wait(&site.ada.owner, reading.id).await;
            assert_eq!(reading.status, ReadingStatus::Completed);
            waits.push(asked.elapsed());
        }
        let left = site.number("SELECT count(*) FROM readings WHERE status = 'pending'").await;
        waits.sort();
        eprintln!("{left} questions of the other waited still; half of the answers took {:?}", waits[25]);
        for reading in greedy {
            process.wait(&site.bob.owner, reading.unwrap().id).await;
        }
        site.assert_settled(550).await;
        // Behind all five hundred, even the first would have waited for as long as they take.
        assert!(waits[45] < Duration::from_secs(2), "{waits:?}");
    }
}

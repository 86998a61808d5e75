//! Cancelled, left, drained, and taken away.

use std::time::{Duration, Instant};

use tenantry_generation::GenerationOptions;
use tenantry_readings::{Failure, OnDisconnect, ProviderError, ReadingStatus, Sequence};
use tenantry_tenancy::Role;
use tokio::time::sleep;

use super::provider::{Actor, Beat};
use super::site::{Differences, sites};

#[tokio::test(flavor = "multi_thread")]
async fn m11_a_cancelled_reading_stops_its_provider_at_once_from_any_process() {
    for site in sites().await {
        let actor = Actor::new(|_| vec![Beat::Say("Well, "), Beat::Hang]);
        let answering = site.process(actor.clone(), &Differences::default());
        let asking = site.process(actor.clone(), &Differences::default());
        let _worker = answering.work();
        let mut slowest = Duration::ZERO;
        for _ in 0..10 {
            let reading = asking.ask(&site.ada.owner, "Which way?").await.unwrap();
            let mut follower = asking.readings.follow(&site.ada.owner, reading.id, Sequence::ASKED).await.unwrap();
            follower.next().await.unwrap().unwrap();
            let cancelled = Instant::now();
            let reading = asking.readings.cancel(&site.ada.owner, reading.id).await.unwrap();
            let reading =
                if reading.status.is_over() { reading } else { asking.wait(&site.ada.owner, reading.id).await };
            assert_eq!(reading.status, ReadingStatus::Cancelled);
            assert_eq!(reading.response.as_deref(), Some("Well, "));
            assert!(reading.is_estimated);
            slowest = slowest.max(*actor.dropped().last().unwrap() - cancelled);
        }
        eprintln!("the slowest of ten providers was stopped after {slowest:?}");
        assert!(slowest < Duration::from_secs(5), "{slowest:?}");
        site.assert_settled(10).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m11_a_reading_that_waits_is_cancelled_without_asking_anybody() {
    for site in sites().await {
        let actor = Actor::new(|_| vec![Beat::Say("Left.")]);
        let process = site.process(actor.clone(), &Differences::default());
        let reading = process.ask(&site.ada.owner, "Which way?").await.unwrap();
        let cancelled = process.readings.cancel(&site.ada.owner, reading.id).await.unwrap();
        assert_eq!((cancelled.status, cancelled.cost.nanos()), (ReadingStatus::Cancelled, 0));
        let _worker = process.work();
        sleep(Duration::from_millis(500)).await;
        assert_eq!(actor.calls(), 0);
        site.assert_settled(1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m11_an_answer_that_nobody_hears_is_cancelled_after_a_grace_where_that_is_wanted() {
    for site in sites().await {
        let pieces =
            (0..40).flat_map(|_| [Beat::Say("word "), Beat::Pause(Duration::from_millis(100))]).collect::<Vec<_>>();
        let actor = Actor::new(move |_| pieces.clone());
        let on_disconnect = OnDisconnect::CancelAfter(Duration::from_millis(700));
        let process = site.process(actor, &Differences { on_disconnect, ..Differences::default() });
        let _worker = process.work();
        let ada = &site.ada.owner;
        let [left, heard] = [process.ask(ada, "Left alone?").await.unwrap(), process.ask(ada, "Heard?").await.unwrap()];
        let listening = async {
            loop {
                process.readings.hear(ada, heard.id, Duration::from_millis(700)).await.unwrap();
                sleep(Duration::from_millis(200)).await;
            }
        };
        let (left, heard) = tokio::select! {
            () = listening => unreachable!(),
            both = async { (process.wait(ada, left.id).await, process.wait(ada, heard.id).await) } => both,
        };
        assert_eq!((left.status, heard.status), (ReadingStatus::Cancelled, ReadingStatus::Completed));
        assert_eq!(heard.response.unwrap(), "word ".repeat(40));
        site.assert_settled(2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m9_whoever_has_left_gets_no_answer_and_pays_nothing() {
    for site in sites().await {
        let actor = Actor::new(|_| vec![Beat::Say("Left.")]);
        let process = site.process(actor.clone(), &Differences::default());
        let member = site.world.join(&site.ada.owner, &site.bob, Role::Member).await;
        let reading = process.ask(&member, "Which way?").await.unwrap();
        site.leave(&site.ada, &site.bob).await;
        let _worker = process.work();
        let reading = process.wait(&member, reading.id).await;
        assert_eq!((reading.status, reading.failure), (ReadingStatus::Failed, Some(Failure::Refused)));
        assert_eq!((reading.cost.nanos(), actor.calls()), (0, 0));
        site.assert_settled(1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m11_a_worker_that_has_to_stop_ends_what_it_answers_and_leaves_the_rest_to_others() {
    for site in sites().await {
        let actor = Actor::new(|_| vec![Beat::Say("Well, "), Beat::Hang]);
        let options = GenerationOptions { drain: Duration::from_millis(300), ..GenerationOptions::default() };
        let process =
            site.process(actor.clone(), &Differences { options, answers: (1, None), ..Differences::default() });
        let worker = process.work();
        let ada = &site.ada.owner;
        let begun = process.ask(ada, "Which way?").await.unwrap();
        process.readings.follow(ada, begun.id, Sequence::ASKED).await.unwrap().next().await.unwrap();
        let waiting = process.ask(ada, "And then?").await.unwrap();
        worker.stop().await;
        let begun = process.wait(ada, begun.id).await;
        assert_eq!((begun.status, begun.failure), (ReadingStatus::Failed, Some(Failure::Interrupted)));
        assert_eq!(begun.response.as_deref(), Some("Well, "));
        assert_eq!(process.readings.find(ada, waiting.id).await.unwrap().status, ReadingStatus::Pending);
        let well = Actor::new(|_| vec![Beat::Say("Left.")]);
        let other = site.process(well, &Differences::default());
        let _worker = other.work();
        assert_eq!(other.wait(ada, waiting.id).await.status, ReadingStatus::Completed);
        site.assert_settled(2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m11_silence_ends_a_reading_and_keeps_what_has_come() {
    for site in sites().await {
        let options = GenerationOptions {
            first_piece: Duration::from_millis(300),
            idle: Duration::from_millis(300),
            attempts: 1,
            ..GenerationOptions::default()
        };
        let actor = Actor::new(|question| match question {
            "Silent?" => vec![Beat::Hang],
            "Broken?" => vec![Beat::Say("Well, "), Beat::Fail(ProviderError::BrokenOff)],
            _ => vec![Beat::Say("Well, "), Beat::Hang],
        });
        let process = site.process(actor, &Differences { options, ..Differences::default() });
        let _worker = process.work();
        let ada = &site.ada.owner;
        let mut ends = Vec::new();
        for question in ["Silent?", "Broken?", "Half?"] {
            let reading = process.ask(ada, question).await.unwrap();
            let reading = process.wait(ada, reading.id).await;
            assert_eq!(reading.status, ReadingStatus::Failed);
            ends.push((reading.failure.unwrap(), reading.response, reading.cost.nanos() > 0));
        }
        let kept = || Some("Well, ".to_owned());
        let expected =
            [(Failure::Timeout, None, false), (Failure::Provider, kept(), true), (Failure::Timeout, kept(), true)];
        assert_eq!(ends, expected);
        site.assert_settled(3).await;
    }
}

//! A stream is the same bytes, however it is cut and wherever it is followed.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use futures_util::future::join_all;
use tenantry_readings::{Frame, ReadingId, ReadingStatus, Sequence};
use tenantry_testkit::Person;

use super::provider::{Actor, Beat};
use super::site::{Differences, Process, Site, sites};

/// Readings, and those who follow each of them.
const READINGS: usize = 5;
const FOLLOWERS: usize = 50;

/// A question of its own for each reading.
fn question(number: usize) -> String {
    "Why, ".repeat(number) + "why?"
}

/// Words of all lengths, some of several bytes, with and without pauses.
fn script(question: &str) -> Vec<Beat> {
    let mut rng = Rng::with_seed(question.len().try_into().unwrap());
    let words = ["left ", "right ", "ümlaut ", "🌊", "\n\n", "data: {}\n", "a", "id: 7"];
    let mut beats = Vec::new();
    for _ in 0..rng.usize(20..60) {
        beats.push(Beat::Tell(rng.choice(words).unwrap().repeat(rng.usize(1..4))));
        if rng.bool() {
            beats.push(Beat::Pause(Duration::from_millis(rng.u64(0..30))));
        }
    }
    beats
}

/// Follows a reading in many visits, each of which ends after a few frames or a moment.
async fn follow_in_pieces(process: &Process, person: &Person, id: ReadingId, mut rng: Rng) -> Vec<Frame> {
    let (mut frames, mut after) = (Vec::new(), Sequence::START);
    loop {
        let mut follower = process.readings.follow(&person.owner, id, after).await.unwrap();
        for _ in 0..rng.u8(1..6) {
            let patience = Duration::from_millis(rng.u64(1..80));
            match tokio::time::timeout(patience, follower.next()).await {
                Ok(frame) => match frame.unwrap() {
                    Some(frame) => {
                        after = frame.sequence;
                        frames.push(frame);
                    }
                    None => return frames,
                },
                Err(_elapsed) => break,
            }
        }
    }
}

async fn follow_all(site: &Site, at: impl Fn(usize) -> Arc<Process>, ids: &[ReadingId]) -> Vec<Vec<Frame>> {
    let followers = ids.iter().flat_map(|id| (0..FOLLOWERS).map(move |number| (*id, number)));
    let visits = followers.map(|(id, number)| {
        let process = at(number);
        async move { follow_in_pieces(&process, &site.ada, id, Rng::new()).await }
    });
    join_all(visits).await
}

#[tokio::test(flavor = "multi_thread")]
async fn m11_a_stream_is_the_same_wherever_it_is_cut_here_and_elsewhere_and_after_a_restart() {
    for site in sites().await {
        let actor = Actor::new(script);
        let answering = Arc::new(site.process(actor.clone(), &Differences::default()));
        let elsewhere = Arc::new(site.process(actor.clone(), &Differences::default()));
        let worker = answering.work();
        let mut ids = Vec::new();
        for number in 0..READINGS {
            ids.push(answering.ask(&site.ada.owner, &question(number)).await.unwrap().id);
        }
        let at = |number: usize| if number.is_multiple_of(2) { answering.clone() } else { elsewhere.clone() };
        let live = follow_all(&site, at, &ids).await;
        worker.stop().await;
        let restarted = Arc::new(site.process(actor, &Differences::default()));
        let replayed = follow_all(&site, |_| restarted.clone(), &ids).await;
        for (place, id) in ids.iter().enumerate() {
            let whole = restarted.frames(&site.ada.owner, *id, Sequence::START).await;
            let reading = restarted.readings.find(&site.ada.owner, *id).await.unwrap();
            assert_eq!(reading.status, ReadingStatus::Completed);
            let expected: String = script(&question(place))
                .into_iter()
                .map(|beat| if let Beat::Tell(text) = beat { text } else { String::new() })
                .collect();
            assert_eq!(reading.response.as_deref(), Some(expected.as_str()));
            let of_reading = place * FOLLOWERS..(place + 1) * FOLLOWERS;
            for frames in live[of_reading.clone()].iter().chain(&replayed[of_reading]) {
                assert_eq!(frames, &whole);
            }
        }
        site.assert_settled(READINGS.try_into().unwrap()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m11_whoever_follows_behind_the_end_gets_nothing() {
    for site in sites().await {
        let process = site.process(Actor::new(|_| vec![Beat::Say("Left.")]), &Differences::default());
        let _worker = process.work();
        let ada = &site.ada.owner;
        let id = process.ask(ada, "Which way?").await.unwrap().id;
        let frames = process.frames(ada, id, Sequence::START).await;
        assert_eq!(frames.len(), 3);
        assert_eq!(process.frames(ada, id, frames[2].sequence).await, []);
        assert_eq!(process.frames(ada, id, Sequence::from_number(1_000)).await, []);
        assert_eq!(process.frames(ada, id, frames[1].sequence).await, frames[2..]);
    }
}

//! What those who follow are told.

use std::sync::Arc;
use std::time::Duration;

use tenantry_kernel::SystemIds;
use tenantry_readings::ports::LiveReadings as _;
use tenantry_readings::{Chunk, Piece, ReadingId, Sequence};
use tokio::time::{Instant, sleep};

use crate::LiveHub;

fn chunk(place: i64) -> Chunk {
    Chunk { sequence: Sequence::from_number(place), piece: Piece::Text(place.to_string()) }
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_hears_of_pieces_and_of_the_end_at_once() {
    let (hub, id) = (Arc::new(LiveHub::new()), ReadingId::generate(&SystemIds));
    let follower = {
        let hub = hub.clone();
        tokio::spawn(async move {
            let began = Instant::now();
            let mut after = Sequence::ASKED;
            let mut heard = Vec::new();
            loop {
                match hub.recall(id, after) {
                    Some(chunks) if !chunks.is_empty() => {
                        after = chunks.last().unwrap().sequence;
                        heard.push((began.elapsed().as_millis(), after.number()));
                    }
                    None if !heard.is_empty() => return heard,
                    _ => hub.stirred(id, after).await,
                }
            }
        })
    };
    sleep(Duration::from_millis(50)).await;
    hub.begin(id);
    hub.publish(id, &[chunk(1)]);
    sleep(Duration::from_millis(70)).await;
    hub.publish(id, &[chunk(2), chunk(3)]);
    sleep(Duration::from_millis(30)).await;
    hub.stir(id);
    assert_eq!(follower.await.unwrap(), [(50, 1), (120, 3)]);
    assert!(hub.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_reading_that_is_answered_elsewhere_is_asked_for_now_and_then_and_leaves_nothing_behind() {
    let (hub, id) = (LiveHub::new(), ReadingId::generate(&SystemIds));
    let began = Instant::now();
    assert_eq!(hub.recall(id, Sequence::START), None);
    hub.stirred(id, Sequence::START).await;
    assert!((100..=500).contains(&began.elapsed().as_millis()));
    assert!(hub.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_follower_who_comes_late_gets_what_was_published_before() {
    let (hub, id) = (LiveHub::new(), ReadingId::generate(&SystemIds));
    hub.begin(id);
    hub.publish(id, &[chunk(1), chunk(2)]);
    assert_eq!(hub.recall(id, Sequence::START).unwrap().len(), 2);
    assert_eq!(hub.recall(id, Sequence::from_number(1)).unwrap(), [chunk(2)]);
    assert_eq!(hub.recall(id, Sequence::from_number(2)).unwrap(), []);
}

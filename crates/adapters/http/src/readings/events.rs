//! What a reading's stream consists of. The bytes of an event depend on nothing but the frame, so that whoever comes back
//! gets the same ones.

use actix_web::web::Bytes;
use serde::Serialize;
use tenantry_readings::{Frame, FrameEvent, Piece, Reading};

use super::view::{CitationView, ReadingView};
use crate::{
    operations::API_PREFIX,
    problem::{Occurrence, failed_reading},
};

#[derive(Serialize)]
struct Delta {
    text: String,
}

/// A frame as an event.
pub(super) fn bytes(frame: Frame) -> Bytes {
    let (name, data) = match frame.event {
        FrameEvent::Asked(reading) => ("reading", json(&ReadingView::from(*reading))),
        FrameEvent::Piece(Piece::Text(text)) => ("delta", json(&Delta { text })),
        FrameEvent::Piece(Piece::Citation(citation)) => ("citation", json(&CitationView::from(citation))),
        FrameEvent::Over(reading) => match problem(&reading) {
            Some(problem) => ("error", problem),
            None => ("done", json(&ReadingView::from(*reading))),
        },
    };
    Bytes::from(format!("id: {}\nevent: {name}\ndata: {data}\n\n", frame.sequence.number()))
}

/// JSON has no line breaks but between its parts, and here not even there.
fn json(data: &impl Serialize) -> String {
    serde_json::to_string(data).unwrap_or_default()
}

/// Why the reading failed, if it did, as it happened when it ended rather than now.
fn problem(reading: &Reading) -> Option<String> {
    let problem = failed_reading(reading)?;
    let instance = format!("{API_PREFIX}/readings/{}", reading.id);
    let timestamp = reading.completed_at.unwrap_or(reading.created_at);
    Some(json(&problem.document(Occurrence { instance: &instance, request_id: "", timestamp })))
}

//! Tells people and programs how far a push is.
//!
//! - [`JsonLines`]: an object a line, for programs.
//! - [`Human`]: bars on a terminal, lines elsewhere.

mod human;
mod json;

pub use human::{Human, Progress};
pub use json::JsonLines;

use crate::push::{Event, Reporter};

/// Tells several.
pub struct All(pub Vec<Box<dyn Reporter>>);

impl Reporter for All {
    fn tell(&self, event: &Event<'_>) {
        for reporter in &self.0 {
            reporter.tell(event);
        }
    }
}

//! How much is under way at once: as much as the store takes, up to a limit.
//!
//! - [`Pace`]: how many files and parts; it grows while all goes well, and is halved when the store asks for patience.
//! - [`Budget`]: how many of their bytes are in memory, and on the line each second.

mod budget;
mod pace;

pub use budget::{Budget, Held};
pub use pace::{Pace, Turn};

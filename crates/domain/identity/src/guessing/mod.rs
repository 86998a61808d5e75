//! How often, and how fast, secrets may be guessed.
//!
//! - [`GuessLimits`]: the numbers, and how long one waits after so many wrong guesses.
//! - [`GuessTarget`]: what is guessed at, by whom; [`Bucket`]: where that is counted.
//! - [`GuessingGuard`]: reserves a guess before it is made, and learns what became of it.
//! - [`DeviceClaims`]: what marks a device from which somebody has signed in before.

mod bucket;
mod device;
mod guard;
mod limits;
mod target;

pub use bucket::{Bucket, BucketKey, BucketRule, Settlement};
pub use device::{DeviceClaims, DeviceId};
pub use guard::{GuessingGuard, ReservedGuess};
pub use limits::{GuessLimits, WaitStep};
pub use target::{GuessKind, GuessSubject, GuessTarget};

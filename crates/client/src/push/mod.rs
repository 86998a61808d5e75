//! Sends the files of a folder to a project.
//!
//! A pass looks through the folder, reads what the cache does not know for its checksum, declares what it finds to the
//! server, sends what the store does not have, and has the server look whether it arrived. All of this goes on at once,
//! a bounded number of files at each stage.
//!
//! - [`Push`]: does one pass, or one after each change; [`Target`] and [`Options`] say what, where to and how.
//! - [`Event`]s tell a [`Reporter`] what happens, [`Stop`] breaks it off, and [`Passed`] or [`PushError`] is how it ends.

mod attempt;
mod cache;
mod event;
mod options;
mod parts;
mod pass;
mod reading;
mod retry;
mod service;
mod stop;
mod store;
mod tus;
mod watch;

pub use event::{Counts, Event, Outcome, Path, Reporter};
pub use options::{Mode, Options, Target};
pub use service::{Passed, Push, PushError, PushParts};
pub use stop::{Stop, Stopper};

use service::Context;

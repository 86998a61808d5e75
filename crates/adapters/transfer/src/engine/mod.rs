//! Brings the files of a session into its object store, and survives its own death at any point.
//!
//! - [`SyncWorker`]: takes runs from the queue and does them, until told to stop.
//! - [`TransferOptions`]: how much at once.
//!
//! What there is to do is written down before it is done, and what was done soon after, each time under the lease of
//! the run: whoever comes next goes on from there. A file whose record was lost with its worker is uploaded again, with
//! the same bytes to the same key.

mod bell;
mod deletion;
mod execution;
mod feed;
mod file;
mod foresight;
mod halt;
mod heartbeat;
mod journal;
mod known;
mod multipart;
mod options;
mod orphans;
mod recorder;
mod refusals;
mod scanning;
mod worker;

pub use bell::Bell;
pub use options::TransferOptions;
pub use worker::{SyncWorker, WorkerParts};

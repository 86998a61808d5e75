//! Direct uploads: a client sends files of its own, and the server makes sure that they are in the store.
//!
//! A direct upload is a [`Run`](crate::Run) that no worker takes. What the client declares goes into the same index that
//! runs of sessions keep, so that what is in the store already is not sent again, by whichever way it came there.

mod completing;
mod declaring;
mod parts;
mod service;
mod tally;
mod values;

pub use service::{DirectOptions, DirectUploads};
pub use values::{
    Completed, CompletionError, Declaration, DeclarationError, Declared, NewDirectUpload, NextStep, Presigned,
    PresignedPart, PresignedParts, WantedPart,
};

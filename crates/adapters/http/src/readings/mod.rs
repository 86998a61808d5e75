//! Questions to advisors, and their answers.

mod ask;
mod ask_stream;
mod attendance;
mod cancel;
mod delete;
mod events;
mod find;
mod list;
mod listener;
mod question;
mod stream;
mod usage;
mod view;

pub(crate) use self::view::ReadingView;
use crate::{operation, operations::Operations};

/// Registers the operations.
pub(crate) fn operations(operations: &mut Operations) {
    operation!(operations, list).alias("/users/me/readings");
    operation!(operations, ask).alias("/readings/ask");
    operation!(operations, ask_stream);
    operation!(operations, usage);
    operation!(operations, find);
    operation!(operations, delete);
    operation!(operations, stream);
    operation!(operations, cancel);
}

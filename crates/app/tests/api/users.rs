//! U3, C8: the users of an organisation.

mod changes;
mod creation;
mod export;
mod lists;
mod removal;

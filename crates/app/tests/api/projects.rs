//! C8, U4: projects.

mod changes;
mod lists;
mod tasks;

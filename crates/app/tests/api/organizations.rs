//! C5, C8, U2: organisations, also called companies, and their members.

mod changes;
mod companies;
mod deletion;
mod members;
mod owners;

pub use members::settled;

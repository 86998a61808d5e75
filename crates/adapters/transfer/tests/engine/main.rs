//! The engine on both databases, with object stores that do their worst.

mod arrival;
mod faults;
mod fixture;
mod stores;

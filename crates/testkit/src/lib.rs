//! What tests share: the contracts of the ports, throwaway PostgreSQL servers, a clock that stands still, and people
//! to fill a store with.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failing test kit is a failing test"
)]

mod clock;
mod contract;
pub mod contracts;
mod hasher;
pub mod postgres;
mod world;

pub use clock::FixedClock;
pub use contract::{Case, run};
pub use hasher::ClearHasher;
pub use world::{Person, StorePorts, World};

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
pub mod environment;
mod factors;
mod hasher;
mod http;
mod links;
mod marks;
pub mod objects;
pub mod postgres;
mod redis;
pub mod smtp;
mod world;

pub use clock::FixedClock;
pub use contract::{Case, Shortcoming, run, run_despite};
pub use factors::ClearFactors;
pub use hasher::ClearHasher;
pub use http::http_client;
pub use links::{ClearLinks, clear_postbox};
pub use marks::ClearMarks;
pub use redis::RedisServer;
pub use world::{Person, StorePorts, World};

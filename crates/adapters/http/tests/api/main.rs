//! The foundation of the API over real sockets, with operations that exist for these tests only.

#![expect(unused_qualifications, reason = "the attributes of utoipa qualify the types that they are given")]
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that finds something else than it expects has failed, in its support code too"
)]

mod documents;
mod fields;
mod headers;
mod lists;
mod logs;
mod nowhere;
mod probes;
mod problems;
mod server;
mod slow_clients;
mod stopping;

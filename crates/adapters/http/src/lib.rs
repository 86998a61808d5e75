//! The HTTP API on actix-web: routes, extractors, views, problems and the OpenAPI document.
//!
//! - [`routes`]: the one list of [`operations`]; [`openapi`] describes what it serves.
//! - [`fields`], [`paging`], [`etag`]: what requests carry, parsed, and the parts that answers share.
//! - [`problem`]: every error.
//! - [`serve`] with [`HttpOptions`] and [`HttpState`]: the server.

#![expect(unused_qualifications, reason = "the code that utoipa makes of `params(…)` qualifies its paths")]

mod admin;
mod advisors;
mod audit;
mod auth;
mod caller;
mod companies;
mod connection;
mod cycles;
pub mod etag;
mod event_streams;
pub mod fields;
pub mod health;
mod idempotency;
mod invitations;
mod members;
pub mod metrics;
mod middleware;
pub mod openapi;
pub mod operations;
mod options;
mod organizations;
mod pages;
pub mod paging;
pub mod problem;
mod projects;
mod provenance;
mod readings;
pub mod routes;
mod scope;
mod server;
mod services;
mod state;
mod sync_sessions;
mod tasks;
mod uploads;
mod users;

pub use self::{
    event_streams::{EventStreams, MostStreams},
    options::HttpOptions,
    scope::RequestScope,
    server::{Server, ServerHandle, serve, serve_operations},
    services::Services,
    state::HttpState,
};

/// The version of this server.
const VERSION: &str = env!("CARGO_PKG_VERSION");

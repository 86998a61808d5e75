//! A client of the API, and what `tenantry push` does with it.
//!
//! - [`Connection`], [`ServerUrl`], [`ApiKey`]: how a server is reached, and as whom.
//! - [`api`]: the routes of direct uploads, with their bodies and errors as types.
//! - [`push`]: sends the files of a folder to a project.
//! - [`report`]: tells people and programs how far it is.

mod connection;

pub mod api;
pub mod push;
pub mod report;

pub use connection::{ApiKey, ApiKeyError, Connection, ConnectionError, ServerUrl, ServerUrlError};

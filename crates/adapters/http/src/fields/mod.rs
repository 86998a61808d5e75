//! What clients send, parsed at the edge: bodies, queries and path segments become typed values or one problem.

mod body;
mod collector;
mod patch;
mod path;
mod query;
mod shape;

pub(crate) use self::body::{read_json_body, unreadable};
pub(crate) use self::query::{Pairs, QueryOf, parse_pairs, parse_query, search_words};
pub use self::{
    body::{JsonBody, OptionalJsonBody, read_body},
    collector::{Field, Fields, Parsed},
    patch::Patch,
    path::PathId,
};

//! Lists: which part is asked for, and the envelope that answers it.

mod cursor;
mod envelope;
mod query;

pub use self::{
    cursor::CursorKey,
    envelope::ListEnvelope,
    query::{ListQuery, NoFilter, PagingParams},
};

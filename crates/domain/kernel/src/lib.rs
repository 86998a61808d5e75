//! What every Tenantry domain shares, and nothing else: a closed list.
//!
//! - [`Clock`] and [`IdGenerator`]: time and identifiers are injected, never read from the machine.
//! - [`typed_id!`], [`Revision`] and [`Precondition`]: identifiers that can't be mixed up, and the version of a row.
//! - [`text_value!`]: bounded text, parsed once at the edge.
//! - [`Page`], [`PageRequest`], [`Cursor`]: lists, by page number or by keyset.
//! - [`StorageError`], [`Transaction`], [`Store`]: the unit of work that every adapter provides.
//! - [`NewJob`], [`JobTransaction`]: work for later, asked for in the transaction of what it is about.

#![warn(missing_docs)]

mod clock;
mod id;
mod job;
mod page;
mod storage;
mod text;

pub use clock::{Clock, SystemClock, whole_microseconds};
pub use id::{IdGenerator, OrganizationId, Precondition, Revision, SystemIds, UserId};
pub use job::{JobId, JobKey, JobKind, JobLease, JobPriority, JobRepository, JobTransaction, NewJob};
pub use page::{Cursor, Page, PageLimit, PageRequest, SortKey};
pub use storage::{StorageError, Store, Transaction};
pub use text::{TextError, parse_text};

// So that the macros of this crate also work within it.
extern crate self as tenantry_kernel;

// The macros name these through `$crate`, so that a domain crate needs no import of its own.
#[doc(hidden)]
pub use serde as __serde;
#[doc(hidden)]
pub use uuid as __uuid;

//! Tasks: what the members of an organisation have to do.
//!
//! - [`Task`]: the entity; its changes are pure functions. [`TaskTitle`] and the rest are parsed once.
//! - [`TaskFilter`], [`TaskSort`]: which tasks a list holds, and in which order.
//! - [`Tasks`]: the use cases.
//! - [`ports`]: what an adapter provides.

#![warn(missing_docs)]

mod error;
mod filter;
mod labels;
pub mod ports;
mod service;
mod task;

pub use error::TaskError;
pub use filter::{Direction, SortField, TaskFilter, TaskScope, TaskSort, Visibility};
pub use labels::{Labels, LabelsError};
pub use service::Tasks;
pub use task::{
    Completion, DueAt, DueAtError, NewTask, Priority, PriorityError, Status, StatusError, Task, TaskAccess, TaskChange,
    TaskDescription, TaskId, TaskTitle,
};

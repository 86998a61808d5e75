//! Tasks, and with them what all resources have in common: T1, T2, T5 to T8.

mod access;
mod completion;
mod creation;
mod idempotency;
mod lists;
mod lost_commit;
mod organizations;
mod prefixes;
mod update;
mod versions;

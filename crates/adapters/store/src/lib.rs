//! Repositories for SQLite and PostgreSQL.
//!
//! - [`Database`]: the pools of one process, made from [`StoreOptions`] and a [`DatabaseUrl`].
//! - [`StoreTransaction`]: a unit of work on either database; every domain's transaction trait.
//! - [`check_role()`]: refuses a PostgreSQL login that row-level security would not bind.
//! - `scope`: the sea-orm entities, reachable only with the tenant's and the user's filter on them.

mod api_keys;
mod audit;
mod audit_archive;
mod bells;
mod check_role;
mod credentials;
mod database;
mod database_clock;
mod directory;
mod erasure;
mod error;
mod guesses;
mod housekeeping;
mod invitations;
mod jobs;
mod listing;
mod literal_limit;
mod lookups;
mod mailed_links;
mod member_accounts;
mod member_list;
mod memberships;
mod open_transaction;
mod options;
mod organization_erasure;
mod organizations;
mod outbox;
mod own_memberships;
mod padding;
mod postgres;
mod profiles;
mod projects;
mod readings;
mod requests;
mod revocations;
mod row;
mod scope;
mod search;
mod second_factors;
mod sessions;
mod signing_keys;
mod sqlite;
mod stores;
mod sync;
mod task_list;
mod task_references;
mod tasks;
mod transaction;
mod url;
mod users;

#[cfg(test)]
mod tests;

pub use check_role::{LoginCheck, RoleError, check_role};
pub use database::{Database, PoolState, SchemaState, SqlPool};
pub use options::StoreOptions;
pub use transaction::StoreTransaction;
pub use url::{DatabaseUrl, DatabaseUrlError, PostgresUrl};

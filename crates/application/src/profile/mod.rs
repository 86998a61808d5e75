//! One's own account, where it concerns organisations too.

mod export;
mod own_account;

pub use export::{AccountExport, AccountExporter};
pub use own_account::{Me, Profile};

//! The hash chains of the audit log: an entry that is edited, removed, added or moved later is found.
//!
//! An entry waits from the moment it is written. A job links it to the chain of its log: each link hashes the one before
//! it and the entry. The end of each chain is sealed with a key that is not in the database, so that nobody who has only
//! the database can shorten a chain or write another. What the database's owner could still do, to put back an older
//! state of all of it, shows against an end that was kept elsewhere.

mod canonical;
mod chain;
mod keeper;
mod verifier;

pub use chain::{AuditLink, Chain, ChainEnd, ChainHead, SealCheck, SealedHead};
pub use keeper::AuditKeeper;
pub use verifier::{AuditFlaw, AuditReport, AuditVerifier, KeptEnd, KeptEndError};

//! `tenantry push` of the built binary, to a server of the built binary, with each kind of store.
#![cfg(test)]

mod kills;
mod passes;
mod site;

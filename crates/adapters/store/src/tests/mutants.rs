//! Each wall between tenants is taken down, one part at a time, to see that something notices. What is taken down is
//! read from the catalogue or from what the contracts use, so that a new table without probes fails here.

mod catalogue;
mod policies;
mod probes;
mod scope_filter;
mod task_indexes;

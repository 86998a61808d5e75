//! Operations made for the tests: one file each, as those of the domains are.

use tenantry_http::{operation, operations::Operations, routes};

mod create;
mod list;
mod misbehave;
mod read;
mod sign_out;
mod update;

/// What the server serves anyway, and the probes.
pub fn operations() -> Operations {
    let mut operations = routes::all();
    operation!(operations, create);
    operation!(operations, list).alias("/samples");
    operation!(operations, read);
    operation!(operations, update);
    operation!(operations, sign_out);
    operation!(operations, misbehave::panic);
    operation!(operations, misbehave::sleep);
    operation!(operations, misbehave::decline);
    operation!(operations, misbehave::flood);
    operations
}

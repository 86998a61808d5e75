//! A new password for whoever forgot the one so far.

mod forgot;
mod reset;

use crate::{operation, operations::Operations};

pub(super) fn operations(operations: &mut Operations) {
    operation!(operations, forgot);
    operation!(operations, reset);
}

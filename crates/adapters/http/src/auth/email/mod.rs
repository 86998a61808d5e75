//! The proof that an e-mail address belongs to its account.

mod resend;
mod verify;

use crate::{operation, operations::Operations};

pub(super) fn operations(operations: &mut Operations) {
    operation!(operations, verify);
    operation!(operations, resend);
}

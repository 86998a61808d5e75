//! The root, the documents and their viewers. All that a page loads comes from the binary.

mod index;
mod reference;
mod signing_keys;

use crate::operations::Operations;

/// The OpenAPI document that this server serves, as JSON.
pub(crate) struct ApiDocument(pub(crate) actix_web::web::Bytes);

pub(crate) fn operations(operations: &mut Operations) {
    index::operations(operations);
    reference::operations(operations);
    signing_keys::operations(operations);
}

//! Resumable uploads by tus 1.0.0 (<https://tus.io/protocols/resumable-upload>) with its extensions creation, termination
//! and checksum: files of direct uploads, where the object store takes none from clients itself.

mod append;
mod checksum;
mod create;
mod headers;
mod intake;
mod metadata;
mod offset;
mod sender;
mod support;
mod terminate;

pub(crate) use self::headers::{describe, headers_of_pages, is_one_upload, is_spoken_at, override_method};
use crate::{operation, operations::Operations};

/// Registers the operations.
pub(super) fn operations(operations: &mut Operations) {
    operation!(operations, support);
    operation!(operations, create);
    operation!(operations, offset);
    operation!(operations, append);
    operation!(operations, terminate);
}

use std::io::{self, ErrorKind};

use tenantry_sync::objects::ObjectError;

/// What needs somebody to do something is a refusal; what may pass is not.
pub(super) fn failed(error: io::Error) -> ObjectError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => refused("StorageFull", error),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => refused("AccessDenied", error),
        ErrorKind::FileTooLarge => refused("EntityTooLarge", error),
        _ => ObjectError::Unavailable(error.into()),
    }
}

/// In the words of S3, so that what people read is the same for all stores.
pub(super) fn refused(reason: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ObjectError {
    ObjectError::Refused { reason: reason.to_owned(), source: source.into() }
}

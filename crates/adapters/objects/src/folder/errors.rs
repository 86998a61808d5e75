use std::io::{self, ErrorKind};

use tenantry_sync::objects::ObjectError;

/// What needs somebody to do something is a refusal; what may pass is not.
pub(super) fn failed(error: io::Error) -> ObjectError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => ObjectError::Full(error.into()),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => refused("AccessDenied", error),
        ErrorKind::FileTooLarge => refused("EntityTooLarge", error),
        _ => ObjectError::Unavailable(error.into()),
    }
}

/// In the words of S3, so that what people read is the same for all stores.
pub(super) fn refused(reason: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ObjectError {
    ObjectError::Refused { reason: reason.to_owned(), source: source.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u8_a_full_disk_is_no_refusal_and_no_trouble_of_the_moment() {
        for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded] {
            let error = failed(kind.into());
            assert!(matches!(error, ObjectError::Full(_)) && !error.is_transient(), "{error:?}");
        }
        assert!(matches!(failed(ErrorKind::PermissionDenied.into()), ObjectError::Refused { .. }));
        assert!(failed(ErrorKind::TimedOut.into()).is_transient());
    }
}

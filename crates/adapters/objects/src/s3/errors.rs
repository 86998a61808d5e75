use std::error::Error;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use tenantry_sync::objects::ObjectError;

/// What the store's answer, or that there is none, means to whoever asked.
pub(super) fn translate<E>(error: SdkError<E>) -> ObjectError
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let Some(response) = error.raw_response() else { return unanswered(error) };
    let status = response.status().as_u16();
    let retry_after = retry_after(response);
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code).map(ToOwned::to_owned);
    match meaning(code.as_deref(), status) {
        Meaning::NoSuchUpload => ObjectError::NoSuchUpload,
        Meaning::ConditionFailed => ObjectError::ConditionFailed,
        Meaning::ChecksumMismatch => ObjectError::ChecksumMismatch,
        Meaning::Throttled => ObjectError::Throttled { retry_after },
        Meaning::Unavailable => ObjectError::Unavailable(Box::new(error)),
        Meaning::Refused => {
            let reason = code.unwrap_or_else(|| named(status));
            ObjectError::Refused { reason, source: Box::new(error) }
        }
        Meaning::Nonsense => ObjectError::Internal(Box::new(error)),
    }
}

/// What the store says of one of many objects.
pub(super) fn of_one(code: &str, message: &str) -> ObjectError {
    let source = || message.to_owned().into();
    match meaning(Some(code), 200) {
        Meaning::Throttled => ObjectError::Throttled { retry_after: None },
        Meaning::Unavailable => ObjectError::Unavailable(source()),
        _ => ObjectError::Refused { reason: code.to_owned(), source: source() },
    }
}

/// Whether there is no object of the key that was asked for.
pub(super) fn is_no_such_key<E>(error: &SdkError<E>) -> bool
where
    E: ProvideErrorMetadata,
{
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    matches!(code, Some("NoSuchKey" | "NotFound"))
}

#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    NoSuchUpload,
    ConditionFailed,
    ChecksumMismatch,
    Throttled,
    Unavailable,
    Refused,
    Nonsense,
}

/// The word of the store counts for more than the status, which may be 200 where a long task failed at its end.
fn meaning(code: Option<&str>, status: u16) -> Meaning {
    match code.unwrap_or_default() {
        "NoSuchUpload" => return Meaning::NoSuchUpload,
        "PreconditionFailed" | "ConditionalRequestConflict" => return Meaning::ConditionFailed,
        "BadDigest" | "XAmzContentChecksumMismatch" | "XAmzContentSHA256Mismatch" => return Meaning::ChecksumMismatch,
        "SlowDown"
        | "SlowDownRead"
        | "SlowDownWrite"
        | "ThrottlingException"
        | "Throttling"
        | "TooManyRequests"
        | "RequestLimitExceeded"
        | "ServiceUnavailable" => return Meaning::Throttled,
        "InternalError" | "RequestTimeout" | "OperationAborted" => return Meaning::Unavailable,
        _ => {}
    }
    match status {
        412 => Meaning::ConditionFailed,
        429 | 503 => Meaning::Throttled,
        408 => Meaning::Unavailable,
        // Not implemented, and no room.
        300..=499 | 501 | 507 => Meaning::Refused,
        500..=599 => Meaning::Unavailable,
        _ if code.is_some() => Meaning::Refused,
        _ => Meaning::Nonsense,
    }
}

/// Answers to HEAD have no body that could hold a word.
fn named(status: u16) -> String {
    match status {
        301 | 307 | 308 => "PermanentRedirect".to_owned(),
        401 | 403 => "AccessDenied".to_owned(),
        404 => "NoSuchBucket".to_owned(),
        _ => format!("HTTP {status}"),
    }
}

/// In whole seconds; a date, which the standard allows too, is no use to anyone whose clock is wrong.
fn retry_after(response: &HttpResponse) -> Option<Duration> {
    response.headers().get("retry-after")?.trim().parse().ok().map(Duration::from_secs)
}

fn unanswered<E>(error: SdkError<E>) -> ObjectError
where
    E: Error + Send + Sync + 'static,
{
    if let Some(credentials) = find::<CredentialsError>(&error) {
        return match credentials {
            CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_) => {
                ObjectError::Refused { reason: "NoCredentials".to_owned(), source: Box::new(error) }
            }
            _ => ObjectError::Unavailable(Box::new(error)),
        };
    }
    match &error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            ObjectError::Unavailable(Box::new(error))
        }
        _ => ObjectError::Internal(Box::new(error)),
    }
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_meanings() {
        for (code, status, expected) in [
            (Some("SlowDown"), 503, Meaning::Throttled),
            (Some("SlowDown"), 200, Meaning::Throttled),
            (None, 503, Meaning::Throttled),
            (None, 429, Meaning::Throttled),
            (Some("InternalError"), 500, Meaning::Unavailable),
            (Some("InternalError"), 200, Meaning::Unavailable),
            (None, 502, Meaning::Unavailable),
            (Some("RequestTimeout"), 400, Meaning::Unavailable),
            (Some("PreconditionFailed"), 412, Meaning::ConditionFailed),
            (Some("ConditionalRequestConflict"), 409, Meaning::ConditionFailed),
            (Some("BadDigest"), 400, Meaning::ChecksumMismatch),
            (Some("NoSuchUpload"), 404, Meaning::NoSuchUpload),
            (Some("NoSuchBucket"), 404, Meaning::Refused),
            (Some("NotImplemented"), 501, Meaning::Refused),
            (None, 408, Meaning::Unavailable),
            (Some("AccessDenied"), 403, Meaning::Refused),
            (Some("PermanentRedirect"), 301, Meaning::Refused),
            (Some("BucketAlreadyExists"), 409, Meaning::Refused),
            (None, 403, Meaning::Refused),
            (None, 200, Meaning::Nonsense),
        ] {
            assert_eq!(meaning(code, status), expected, "{code:?} {status}");
        }
    }
}

use actix_web::http::StatusCode;

/// Declares [`ErrorCode`] from the one table of codes: name, code, status, title and explanation.
macro_rules! error_codes {
    ($($name:ident = $code:literal, $status:ident $(as $number:literal)?, $title:literal, $explanation:literal;)+) => {
        /// What went wrong, for programs: each code has one status, one title and one page at `/problems/{slug}`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $(#[doc = $explanation] $name,)+
        }

        impl ErrorCode {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The code as it stands in a problem: `VALIDATION_ERROR`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// The status of every answer with this code.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self {
                    $(Self::$name => {
                        // One that the framework has no name for.
                        $(if let Ok(status) = StatusCode::from_u16($number) {
                            return status;
                        })?
                        StatusCode::$status
                    })+
                }
            }

            /// A short name for people.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// What it means and what a client can do about it; also the `detail` of a problem that has none of its own.
            #[must_use]
            pub const fn explanation(self) -> &'static str {
                match self { $(Self::$name => $explanation,)+ }
            }
        }
    };
}

error_codes! {
    MalformedRequest = "MALFORMED_REQUEST", BAD_REQUEST, "Malformed request",
        "the request could not be read: its body is not JSON, or a header or cursor is malformed";
    Unauthenticated = "UNAUTHENTICATED", UNAUTHORIZED, "Credentials required",
        "this needs credentials: send an access token as a bearer token";
    TokenInvalid = "TOKEN_INVALID", UNAUTHORIZED, "Token invalid",
        "the token is not one of ours, or was altered";
    TokenExpired = "TOKEN_EXPIRED", UNAUTHORIZED, "Token expired",
        "the token has expired: refresh it or sign in again";
    SessionRevoked = "SESSION_REVOKED", UNAUTHORIZED, "Session revoked",
        "the session has ended: it was signed out, or its account was deactivated or deleted";
    MembershipChanged = "MEMBERSHIP_CHANGED", UNAUTHORIZED, "Membership changed",
        "the role or membership has changed since the token was issued: refresh the token";
    InvalidCredentials = "INVALID_CREDENTIALS", UNAUTHORIZED, "Invalid credentials",
        "the name or the password is wrong";
    RefreshTokenInvalid = "REFRESH_TOKEN_INVALID", UNAUTHORIZED, "Refresh token invalid",
        "the refresh token is unknown or has expired: sign in again";
    RefreshTokenReused = "REFRESH_TOKEN_REUSED", UNAUTHORIZED, "Refresh token reused",
        "the refresh token was used before, so the session has been ended: sign in again";
    BudgetExceeded = "BUDGET_EXCEEDED", PAYMENT_REQUIRED, "Budget exceeded",
        "the budget of the organization, or what each of its members may spend, leaves no room for this";
    Forbidden = "FORBIDDEN", FORBIDDEN, "Forbidden",
        "the role or scope does not permit this, or the resource belongs to another member";
    AccountInactive = "ACCOUNT_INACTIVE", FORBIDDEN, "Account inactive",
        "the account is deactivated, or so are all its memberships or their organizations";
    PasswordChangeRequired = "PASSWORD_CHANGE_REQUIRED", FORBIDDEN, "Password change required",
        "the password was for one use: set a new one first";
    EmailNotVerified = "EMAIL_NOT_VERIFIED", FORBIDDEN, "E-mail not verified",
        "the e-mail address must be verified first";
    NotFound = "NOT_FOUND", NOT_FOUND, "Not found",
        "there is no such resource, or it is not visible to the caller";
    MethodNotAllowed = "METHOD_NOT_ALLOWED", METHOD_NOT_ALLOWED, "Method not allowed",
        "the resource does not answer this method; the Allow header names those it does";
    RequestTimeout = "REQUEST_TIMEOUT", REQUEST_TIMEOUT, "Request timeout",
        "the request did not arrive in time";
    EmailTaken = "EMAIL_TAKEN", CONFLICT, "E-mail taken",
        "the e-mail address already has an account";
    UsernameTaken = "USERNAME_TAKEN", CONFLICT, "Username taken",
        "the username belongs to another account";
    SlugTaken = "SLUG_TAKEN", CONFLICT, "Slug taken",
        "the slug belongs to another organization";
    CycleNumberTaken = "CYCLE_NUMBER_TAKEN", CONFLICT, "Cycle number taken",
        "another cycle of the project has this number";
    SessionActive = "SESSION_ACTIVE", CONFLICT, "Session active",
        "a job of the sync session is queued or started: wait for it, or cancel it";
    SelfDeletion = "SELF_DELETION", CONFLICT, "Self-deletion",
        "one can't remove oneself this way";
    LastOwner = "LAST_OWNER", CONFLICT, "Last owner",
        "the organization must keep at least one owner";
    AlreadyMember = "ALREADY_MEMBER", CONFLICT, "Already a member",
        "the user is a member of the organization already";
    InvitationUsed = "INVITATION_USED", CONFLICT, "Invitation used",
        "the invitation has been accepted already";
    RequestInProgress = "REQUEST_IN_PROGRESS", CONFLICT, "Request in progress",
        "the first request with this idempotency key is still running";
    Conflict = "CONFLICT", CONFLICT, "Conflict",
        "the state of the resource does not permit this";
    PreconditionFailed = "PRECONDITION_FAILED", PRECONDITION_FAILED, "Precondition failed",
        "the resource has changed since: read it again and repeat the change on its new version";
    ChecksumMismatch = "CHECKSUM_MISMATCH", BAD_REQUEST as 460, "Checksum mismatch",
        "the bytes that arrived do not have the checksum that was given for them: none of them was kept";
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", PAYLOAD_TOO_LARGE, "Payload too large",
        "the body is larger than this resource accepts";
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", UNSUPPORTED_MEDIA_TYPE, "Unsupported media type",
        "the body must be sent as application/json, without a content encoding";
    ValidationError = "VALIDATION_ERROR", UNPROCESSABLE_ENTITY, "Validation failed",
        "a field or query parameter has a value that is not allowed; errors names each of them";
    WeakPassword = "WEAK_PASSWORD", UNPROCESSABLE_ENTITY, "Weak password",
        "the password is too easy to guess";
    LinkInvalid = "LINK_INVALID", UNPROCESSABLE_ENTITY, "Link invalid",
        "the link is wrong, was used before, or has expired: ask for a new one";
    IdempotencyKeyReused = "IDEMPOTENCY_KEY_REUSED", UNPROCESSABLE_ENTITY, "Idempotency key reused",
        "the idempotency key was used before with another body";
    DirectoryNotAllowed = "DIRECTORY_NOT_ALLOWED", UNPROCESSABLE_ENTITY, "Directory not allowed",
        "the directory is not there, or is not one that the organization may sync: the operator says which are";
    BucketNotAllowed = "BUCKET_NOT_ALLOWED", UNPROCESSABLE_ENTITY, "Bucket not allowed",
        "the project's bucket is not one that the organization may write to: the operator says which are";
    ProfileNotAllowed = "PROFILE_NOT_ALLOWED", UNPROCESSABLE_ENTITY, "Profile not allowed",
        "the AWS profile is not one that the organization may use: the operator says which are";
    RateLimited = "RATE_LIMITED", TOO_MANY_REQUESTS, "Too many requests",
        "too many requests: wait as long as Retry-After says";
    InternalError = "INTERNAL_ERROR", INTERNAL_SERVER_ERROR, "Internal error",
        "something went wrong on our side; the request id finds it in our logs";
    ProviderError = "PROVIDER_ERROR", BAD_GATEWAY, "Provider error",
        "nobody who was asked could answer, or an answer broke off; what is kept of it is named";
    Unavailable = "UNAVAILABLE", SERVICE_UNAVAILABLE, "Unavailable",
        "the service can't do this right now: try again after Retry-After";
    Timeout = "TIMEOUT", GATEWAY_TIMEOUT, "Timeout",
        "the request took too long and was given up; what is kept of it is named";
}

impl ErrorCode {
    /// The last segment of the problem's type: `validation-error`.
    #[must_use]
    pub fn slug(self) -> String {
        self.as_str().to_ascii_lowercase().replace('_', "-")
    }

    /// The code with this slug.
    #[must_use]
    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.slug() == slug)
    }

    /// The code for an error that the framework answered with `status` itself.
    pub(crate) fn of_framework_error(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::Unauthenticated,
            StatusCode::FORBIDDEN => Self::Forbidden,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::REQUEST_TIMEOUT => Self::RequestTimeout,
            StatusCode::PAYLOAD_TOO_LARGE => Self::PayloadTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType,
            StatusCode::SERVICE_UNAVAILABLE => Self::Unavailable,
            StatusCode::GATEWAY_TIMEOUT => Self::Timeout,
            other if other.is_client_error() => Self::MalformedRequest,
            _ => Self::InternalError,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_and_slugs_are_unique_and_lead_back() {
        let slugs: HashSet<String> = ErrorCode::ALL.iter().map(|code| code.slug()).collect();
        assert_eq!(slugs.len(), ErrorCode::ALL.len());
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_slug(&code.slug()), Some(*code));
            assert!(code.status().as_u16() >= 400, "{code:?}");
        }
        assert_eq!(ErrorCode::ValidationError.slug(), "validation-error");
    }

    #[test]
    fn explanations_are_lower_case_without_a_full_stop() {
        for code in ErrorCode::ALL {
            assert!(!code.explanation().ends_with('.'), "{code:?}");
            assert!(code.explanation().starts_with(|first: char| first.is_lowercase()), "{code:?}");
        }
    }
}

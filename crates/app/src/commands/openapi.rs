use std::io::{Write as _, stdout};

use crate::failure::Failure;

/// Prints the OpenAPI document, which depends on no setting.
pub(super) fn print() -> Result<(), Failure> {
    writeln!(stdout(), "{}", tenantry_http::openapi::document_json().trim_end()).map_err(Failure::because)
}

use std::io::{Write as _, stdout};

use crate::failure::Failure;
use crate::settings::Settings;

/// Prints what is in effect. That the settings were loaded at all is the check.
pub(super) fn check(settings: &Settings) -> Result<(), Failure> {
    writeln!(stdout(), "{}ok", settings.listing()).map_err(Failure::because)
}

//! The log: one event a line, to stderr.

use std::io::{IsTerminal as _, stderr};

use tracing_subscriber::fmt;

use crate::failure::Failure;
use crate::settings::Settings;

/// Starts the log of this process, once.
pub fn start(settings: &Settings) -> Result<(), Failure> {
    let builder = fmt().with_env_filter(settings.log.filter()?).with_writer(stderr);
    let outcome = if settings.log.is_json(settings.profile) {
        builder.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
    } else {
        builder.compact().with_ansi(stderr().is_terminal()).try_init()
    };
    outcome.map_err(Failure::because)
}

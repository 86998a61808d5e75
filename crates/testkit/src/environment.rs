//! What tests are told from outside.

/// A variable of the environment that says something.
#[expect(clippy::disallowed_methods, reason = "tests have no settings; this is their whole environment")]
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The number that a variable of the environment says, where it says one.
///
/// # Panics
/// When it says something else.
#[must_use]
pub fn number(name: &str) -> Option<u64> {
    variable(name).map(|value| value.parse().unwrap_or_else(|error| panic!("{name}: {error}: {value}")))
}

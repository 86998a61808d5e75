/// A variable of the environment that says something.
#[expect(clippy::disallowed_methods, reason = "tests have no settings; this is their whole environment")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

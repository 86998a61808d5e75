/// `N` bytes from the operating system's random source.
///
/// # Panics
/// If there is none, since nothing that this crate does is safe then.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the random source")]
#[expect(clippy::expect_used, reason = "a system without random bytes must not issue credentials")]
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// Letters and digits that are not mistaken for each other when read out or typed: no `1`, `i`, `l`, `o`.
pub(crate) const ALPHABET: &[u8; 32] = b"023456789abcdefghjkmnpqrstuvwxyz";

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

/// Five bits of every byte, as a character of the alphabet each.
pub(crate) fn spell<const N: usize>(bytes: [u8; N]) -> String {
    bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte % 32))).copied().map(char::from).collect()
}

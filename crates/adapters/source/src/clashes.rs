//! Names of one folder that other systems take for one and the same.

use std::hash::{DefaultHasher, Hasher as _};

use unicode_normalization::UnicodeNormalization as _;

/// In what two names do not differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClashKind {
    /// They are the same but for how accents are encoded.
    Normalization,
    /// They are the same but for the case of letters.
    Case,
}

/// The most names of a folder that are compared with one another.
const MAX_NAMES: usize = 1_000_000;

/// The most clashes of a folder that are told.
pub(super) const MAX_CLASHES: usize = 1_000;

/// The names of a folder, eight bytes for each: when two seem to clash, the folder is read again to find which.
#[derive(Debug, Default)]
pub(super) struct Names {
    hashes: Vec<u64>,
    scratch: Vec<u8>,
    is_full: bool,
}

impl Names {
    pub fn add(&mut self, name: &[u8]) {
        if self.hashes.len() < MAX_NAMES {
            let hash = hash(name, &mut self.scratch);
            self.hashes.push(hash);
        } else {
            self.is_full = true;
        }
    }

    /// Whether there were more names than are compared.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// The hashes that more than one name has.
    pub fn repeated(&mut self) -> Repeated {
        self.hashes.sort_unstable();
        let mut hashes: Vec<u64> =
            self.hashes.array_windows().filter(|[one, next]| one == next).map(|[one, _]| *one).collect();
        hashes.dedup();
        hashes.truncate(MAX_CLASHES);
        Repeated { hashes, names: Vec::new(), scratch: Vec::new() }
    }
}

/// The names that seem to clash.
#[derive(Debug)]
pub(super) struct Repeated {
    hashes: Vec<u64>,
    names: Vec<(Vec<u8>, Vec<u8>)>,
    scratch: Vec<u8>,
}

impl Repeated {
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    pub fn holds(&mut self, name: &[u8]) -> bool {
        let hash = hash(name, &mut self.scratch);
        self.names.len() <= MAX_CLASHES && self.hashes.binary_search(&hash).is_ok()
    }

    pub fn add(&mut self, name: &[u8]) {
        let mut folded = Vec::with_capacity(name.len());
        fold(name, &mut folded);
        self.names.push((folded, name.to_vec()));
    }

    /// Every name that clashes, with the one that it clashes with.
    pub fn clashes(mut self) -> Vec<(Vec<u8>, Vec<u8>, ClashKind)> {
        self.names.sort_unstable();
        let with_the_first = |names: &[(Vec<u8>, Vec<u8>)]| {
            let names: Vec<_> = names.iter().map(|(_, name)| name.clone()).collect();
            let first = names.first().cloned().unwrap_or_default();
            names.into_iter().skip(1).map(move |name| (kind(&name, &first), name, first.clone()))
        };
        let clashes = self.names.chunk_by(|(one, _), (other, _)| one == other).flat_map(with_the_first);
        clashes.map(|(kind, name, first)| (name, first, kind)).collect()
    }
}

fn kind(one: &[u8], other: &[u8]) -> ClashKind {
    match (str::from_utf8(one), str::from_utf8(other)) {
        (Ok(one), Ok(other)) if one.nfc().eq(other.nfc()) => ClashKind::Normalization,
        _ => ClashKind::Case,
    }
}

fn hash(name: &[u8], scratch: &mut Vec<u8>) -> u64 {
    scratch.clear();
    fold(name, scratch);
    let mut hasher = DefaultHasher::new();
    hasher.write(scratch);
    hasher.finish()
}

/// Writes a name as systems see it that know neither case nor encodings of accents. Of bytes that are not UTF-8 they
/// know only the letters of ASCII.
fn fold(name: &[u8], folded: &mut Vec<u8>) {
    match str::from_utf8(name) {
        Ok(text) if !text.is_ascii() => {
            let mut buffer = [0; 4];
            for character in text.nfc() {
                folded.extend_from_slice(fold_character(character).encode_utf8(&mut buffer).as_bytes());
            }
        }
        _ => folded.extend(name.iter().map(u8::to_ascii_lowercase)),
    }
}

/// Simple case folding, near enough: one letter stays one letter, by way of its capital, so that both small sigmas are
/// one.
fn fold_character(character: char) -> char {
    let capital = only(character.to_uppercase()).unwrap_or(character);
    only(capital.to_lowercase()).unwrap_or(character)
}

fn only(mut characters: impl Iterator<Item = char>) -> Option<char> {
    characters.next().filter(|_| characters.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clashes(listing: &[&[u8]]) -> Vec<(Vec<u8>, Vec<u8>, ClashKind)> {
        let mut names = Names::default();
        for name in listing {
            names.add(name);
        }
        let mut repeated = names.repeated();
        for name in listing {
            if repeated.holds(name) {
                repeated.add(name);
            }
        }
        repeated.clashes()
    }

    #[test]
    fn names_that_other_systems_take_for_one_clash() {
        for (one, other, kind) in [
            (&b"README"[..], &b"readme"[..], ClashKind::Case),
            ("\u{e9}t\u{e9}".as_bytes(), "e\u{301}te\u{301}".as_bytes(), ClashKind::Normalization),
            ("\u{c9}t\u{e9}".as_bytes(), "e\u{301}te\u{301}".as_bytes(), ClashKind::Case),
            ("\u{3c3}".as_bytes(), "\u{3c2}".as_bytes(), ClashKind::Case),
            (b"A\xff", b"a\xff", ClashKind::Case),
        ] {
            let found = clashes(&[b"x", other, b"y", one]);
            let [(name, with, found_kind)] = &found[..] else { panic!("{found:?}") };
            let mut pair = [&name[..], &with[..]];
            pair.sort_unstable();
            let mut expected = [one, other];
            expected.sort_unstable();
            assert_eq!((pair, *found_kind), (expected, kind));
        }
        assert_eq!(clashes(&[b"abc", b"Abc", b"aBc", b"d"]).len(), 2);
    }

    #[test]
    fn others_do_not() {
        assert_eq!(clashes(&[b"a", b"b", b"a.", "stra\u{df}e".as_bytes(), b"strasse", b"\xe9", b"\xc9"]), []);
    }
}

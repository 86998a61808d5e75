//! Where the object of a key is.
//!
//! A segment of a key is a name on disk, so that people find their files. What could clash or not be written is
//! changed, in a way that can be undone:
//!
//! - The folder of a segment ends in `.d`, since `a` and `a/b` may both be objects; the name of an object that ends so
//!   ends in `.%64`.
//! - A `%` is `%25`.
//! - A long segment goes on in a folder: the names of such folders end in `%`.
//! - Where the file system takes names for the same that are not ([`Names::Folded`]), capitals and what is not ASCII
//!   are escaped too.

use std::fmt::Write as _;

use tenantry_sync::objects::ObjectKey;

/// The most bytes of a name before its mark. File systems take 255.
const MAX_NAME: usize = 240;

/// Ends the name of a folder that is a segment.
pub(super) const FOLDER: &str = ".d";
/// Ends the name of a folder in which a segment goes on.
pub(super) const CONTINUED: &str = "%";

/// Which names the file system tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// Names of different bytes.
    Exact,
    /// Not all of these: it looks past case, or past the ways to compose a letter.
    Folded,
}

/// Where an object is, below the folder of all.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ObjectPath {
    /// From the outermost in.
    pub folders: Vec<String>,
    /// In the last folder.
    pub file: String,
}

impl ObjectPath {
    /// What writers of this object lock.
    pub fn lock(&self) -> String {
        format!("{}/{}", self.folders.join("/"), self.file)
    }
}

impl Names {
    /// `None` for what [`ObjectKey::parse`] does not take.
    pub fn path(self, key: &ObjectKey) -> Option<ObjectPath> {
        let key = ObjectKey::parse(key.as_str()).ok()?;
        let mut folders = Vec::new();
        let mut segments = key.as_str().split('/').peekable();
        while let Some(segment) = segments.next() {
            let mut pieces = split(&self.escape(segment));
            let last = escape_dots(pieces.pop()?);
            folders.extend(pieces.into_iter().map(|piece| piece + CONTINUED));
            if segments.peek().is_none() {
                return Some(ObjectPath { folders, file: last });
            }
            folders.push(last + FOLDER);
        }
        None
    }

    fn escape(self, segment: &str) -> String {
        let is_plain = |character: char| match self {
            Self::Exact => character != '%',
            Self::Folded => character != '%' && character.is_ascii() && !character.is_ascii_uppercase(),
        };
        let mut escaped = String::with_capacity(segment.len());
        for character in segment.chars() {
            if is_plain(character) {
                escaped.push(character);
            } else {
                push_escaped(character, &mut escaped);
            }
        }
        if escaped.ends_with(FOLDER) {
            escaped.pop();
            push_escaped('d', &mut escaped);
        }
        escaped
    }
}

fn push_escaped(character: char, escaped: &mut String) {
    for byte in character.encode_utf8(&mut [0; 4]).bytes() {
        // Writing to a string does not fail.
        let _ = write!(escaped, "%{byte:02X}");
    }
}

/// Into pieces that are short enough as names, none of which ends within a character or an escape.
fn split(escaped: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut characters = escaped.chars();
    while let Some(character) = characters.next() {
        let mut unit = String::from(character);
        if character == '%' {
            unit.extend(characters.by_ref().take(2));
        }
        match pieces.last_mut() {
            Some(piece) if piece.len() + unit.len() <= MAX_NAME => piece.push_str(&unit),
            _ => pieces.push(unit),
        }
    }
    pieces
}

/// What is left of a segment may have a meaning of its own.
fn escape_dots(piece: String) -> String {
    match piece.as_str() {
        "." => "%2E".to_owned(),
        ".." => "%2E.".to_owned(),
        _ => piece,
    }
}

/// The segment whose pieces, marks aside, are these one after the other; `None` for what no key leads to.
pub(super) fn unescape(pieces: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(pieces.len());
    let mut rest = pieces.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first == b'%' {
            let (digits, after) = rest.split_first_chunk::<2>()?;
            bytes.push(u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?);
            rest = after;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(names: Names, key: &str) -> String {
        let path = names.path(&ObjectKey::parse(key).unwrap()).unwrap();
        path.folders.into_iter().chain([path.file]).collect::<Vec<_>>().join("/")
    }

    /// Undoes what [`Names::path`] did.
    fn key(path: &ObjectPath) -> String {
        let (mut key, mut pieces) = (String::new(), String::new());
        for folder in &path.folders {
            if let Some(piece) = folder.strip_suffix(FOLDER) {
                key += &unescape(&(std::mem::take(&mut pieces) + piece)).unwrap();
                key.push('/');
            } else {
                pieces += folder.strip_suffix(CONTINUED).unwrap();
            }
        }
        key + &unescape(&(pieces + &path.file)).unwrap()
    }

    #[test]
    fn people_find_their_files() {
        for (key, exact, folded) in [
            ("a", "a", "a"),
            ("a/b.txt", "a.d/b.txt", "a.d/b.txt"),
            ("a.d/b.d", "a.%64.d/b.%64", "a.%64.d/b.%64"),
            ("100%", "100%25", "100%25"),
            ("README/É", "README.d/É", "%52%45%41%44%4D%45.d/%C3%89"),
            ("conf.D", "conf.D", "conf.%44"),
        ] {
            assert_eq!(path(Names::Exact, key), exact);
            assert_eq!(path(Names::Folded, key), folded);
        }
    }

    #[test]
    fn long_segments_go_on_in_a_folder() {
        let long = "x".repeat(MAX_NAME);
        assert_eq!(path(Names::Exact, &format!("{long}/{long}")), format!("{long}.d/{long}"));
        assert_eq!(path(Names::Exact, &format!("{long}y")), format!("{long}%/y"));
        assert_eq!(path(Names::Exact, &format!("{long}..")), format!("{long}%/%2E."));
        assert_eq!(path(Names::Exact, &format!("{}é", &long[1..])), format!("{}%/é", &long[1..]));
        assert_eq!(path(Names::Exact, &format!("{}%", &long[1..])), format!("{}%/%25", &long[1..]));
    }

    #[test]
    fn what_leads_elsewhere_has_no_path() {
        for key in ["", ".", "..", "a/../b", "/a", "a//b", "a\0"] {
            assert_eq!(Names::Exact.path(&ObjectKey::from_stored(key.to_owned())), None, "{key:?}");
        }
    }

    proptest! {
        #[test]
        fn every_key_comes_back(text in "([%.dD/é]|[a-z.]{0,5}|\\PC|x{230,260}){1,12}") {
            if let Ok(object) = ObjectKey::parse(&text) {
                for names in [Names::Exact, Names::Folded] {
                    let path = names.path(&object).unwrap();
                    prop_assert_eq!(key(&path), text.clone());
                    for name in path.folders.iter().chain([&path.file]) {
                        prop_assert!(name.len() <= 255 && !matches!(name.as_str(), "" | "." | ".."));
                    }
                    prop_assert!(!path.file.ends_with(FOLDER) && path.folders.iter().all(|name| *name != path.file));
                }
            }
        }
    }
}

use std::cmp::Ordering;

/// Passwords that are tried first, in lower case, sorted by bytes, one a line. Where they are from is told beside them.
const LIST: &str = include_str!("../../assets/common-passwords.txt");

/// Whether `folded`, a password in lower case, is on the list of common passwords.
pub(crate) fn is_common(folded: &str) -> bool {
    find(LIST, folded)
}

/// Searches sorted lines by halves: the list stays the text that it is, and takes no memory of its own.
fn find(list: &str, wanted: &str) -> bool {
    let (mut low, mut high) = (0, list.len());
    while low < high {
        let middle = usize::midpoint(low, high);
        let start = list.as_bytes().get(low..middle).and_then(|before| before.iter().rposition(|byte| *byte == b'\n'));
        let start = start.map_or(low, |newline| low + newline + 1);
        let Some(rest) = list.get(start..) else { return false };
        let line = rest.split_once('\n').map_or(rest, |(line, _)| line);
        match line.cmp(wanted) {
            Ordering::Equal => return true,
            Ordering::Less => low = start + line.len() + 1,
            Ordering::Greater => high = start,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_found_and_nothing_between_them() {
        assert!(LIST.lines().count() > 10_000);
        let mut previous = "";
        for entry in LIST.lines() {
            assert!(previous < entry && entry.chars().count() >= 8 && entry == entry.to_lowercase(), "{entry}");
            assert!(is_common(entry), "{entry}");
            assert!(!is_common(&format!("{entry}\u{1}")), "{entry} and more");
            previous = entry;
        }
        for absent in ["", "\u{0}", "zzzzzzzzzzzzzzzz", "correct horse battery staple", "\u{10ffff}"] {
            assert!(!is_common(absent), "{absent}");
        }
    }

    #[test]
    fn short_lists_have_ends_too() {
        assert!(!find("", "a") && find("a", "a") && find("a\nb\n", "b") && find("a\nb", "b"));
        assert!(!find("a\nc\n", "b") && !find("a\nc\n", "d") && !find("b\n", "a") && !find("a\nb\n", ""));
    }
}

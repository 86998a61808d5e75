use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac as _, digest::Key};
use sha2::Sha256;
use tenantry_kernel::Cursor;

use crate::problem::{ErrorCode, Problem};

/// Bytes of the authentication tag: HMAC-SHA-256 cut to 128 bits (RFC 2104, section 5).
const TAG_BYTES: usize = 16;

/// Authenticates cursors, so that a client can neither make one nor carry one over to another list.
///
/// Nodes that serve the same clients need the same key.
#[derive(Clone)]
pub struct CursorKey {
    current: Hmac<Sha256>,
    /// Cursors of this key are accepted, too.
    previous: Option<Hmac<Sha256>>,
}

impl CursorKey {
    /// The key from 256 random bits, and the one that it replaced where there are still cursors of that.
    #[must_use]
    pub fn new(key: &[u8; 32], previous: Option<&[u8; 32]>) -> Self {
        Self { current: keyed(key), previous: previous.map(keyed) }
    }

    /// The cursor as clients see it: base64url of the tag and the JSON of the cursor.
    ///
    /// `list` names the list that it belongs to: path, sort and filter.
    pub(super) fn seal(&self, cursor: &Cursor, list: &str) -> String {
        let Ok(json) = serde_json::to_vec(cursor) else { return String::new() };
        let mut bytes = self.tag(list, &json);
        bytes.extend(json);
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor that [`CursorKey::seal`] made for the same list.
    pub(super) fn open(&self, text: &str, list: &str) -> Result<Cursor, Problem> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
        let (tag, json) = bytes.split_at_checked(TAG_BYTES).ok_or_else(wrong_cursor)?;
        let mut accepted = [&self.current].into_iter().chain(&self.previous);
        if !accepted.any(|key| state(key, list, json).verify_truncated_left(tag).is_ok()) {
            return Err(wrong_cursor());
        }
        serde_json::from_slice(json).or(Err(wrong_cursor()))
    }

    fn tag(&self, list: &str, json: &[u8]) -> Vec<u8> {
        state(&self.current, list, json).finalize().into_bytes().iter().copied().take(TAG_BYTES).collect()
    }
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // HMAC fills a key that is shorter than a block with zeros (RFC 2104, section 2).
    let mut block = Key::<Hmac<Sha256>>::default();
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    <Hmac<Sha256> as KeyInit>::new(&block)
}

fn state(key: &Hmac<Sha256>, list: &str, json: &[u8]) -> Hmac<Sha256> {
    let mut state = key.clone();
    // The length keeps list and cursor apart.
    state.update(&u64::try_from(list.len()).unwrap_or(u64::MAX).to_be_bytes());
    state.update(list.as_bytes());
    state.update(json);
    state
}

fn wrong_cursor() -> Problem {
    Problem::new(ErrorCode::MalformedRequest)
        .with_detail("the cursor is not one of this list with this sort and filter")
}

#[cfg(test)]
mod tests {
    use tenantry_kernel::SortKey;
    use uuid::Uuid;

    use super::*;

    fn cursor() -> Cursor {
        Cursor { key: SortKey::Text("né".to_owned()), id: Uuid::from_u128(7) }
    }

    fn refused(outcome: Result<Cursor, Problem>) -> bool {
        outcome.is_err_and(|problem| problem.code() == ErrorCode::MalformedRequest)
    }

    #[test]
    fn opens_what_it_sealed_for_the_same_list_only() {
        let key = CursorKey::new(&[1; 32], None);
        let text = key.seal(&cursor(), "/tasks?sort=title");
        assert_eq!(key.open(&text, "/tasks?sort=title").unwrap(), cursor());
        assert!(refused(key.open(&text, "/tasks?sort=-title")));
        assert!(refused(key.open(&text, "/tasks")));
        assert!(refused(CursorKey::new(&[2; 32], None).open(&text, "/tasks?sort=title")));
        let rotated = CursorKey::new(&[2; 32], Some(&[1; 32]));
        assert_eq!(rotated.open(&text, "/tasks?sort=title").unwrap(), cursor());
        assert!(refused(key.open(&rotated.seal(&cursor(), "/tasks"), "/tasks")));
    }

    #[test]
    fn refuses_what_was_changed_or_made_up() {
        let key = CursorKey::new(&[1; 32], None);
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(key.seal(&cursor(), "/tasks")).unwrap();
        for index in 0..sealed.len() {
            let changed: Vec<u8> = sealed.iter().enumerate().map(|(at, byte)| byte ^ u8::from(at == index)).collect();
            assert!(refused(key.open(&BASE64_URL_SAFE_NO_PAD.encode(changed), "/tasks")), "byte {index}");
        }
        for text in ["", "AAAA", "not base64!", "\u{0}"] {
            assert!(refused(key.open(text, "/tasks")), "{text:?}");
        }
    }
}

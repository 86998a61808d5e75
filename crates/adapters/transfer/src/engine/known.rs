//! What is known of the objects of a session, in as little memory as a million of them allow.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use tenantry_sync::KnownObject;
use tenantry_sync::objects::{Crc64, ObjectKey};

use super::halt::Halt;
use super::journal::Journal;

/// Objects that are read at once.
const PAGE: u32 = 2_000;

/// By a keyed hash of the key: two keys with the same one, of which the chance is one in many millions, would have to
/// agree in size and time as well to be taken for each other.
pub(super) struct KnownObjects {
    hasher: RandomState,
    objects: HashMap<u64, Known>,
    checksums: Option<HashMap<u64, Crc64>>,
}

/// What is to be known of each object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// Size and time.
    Usual,
    /// The checksum as well.
    Checksums,
}

#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "there are millions of these, and each says what it says")]
struct Known {
    size: u64,
    mtime_ns: i64,
    is_own: bool,
    is_current: bool,
    has_object: bool,
    is_seen: bool,
}

impl KnownObjects {
    /// Reads what is known below the run's prefix.
    pub async fn load(journal: &Journal, detail: Detail) -> Result<Self, Halt> {
        let mut known = Self::empty(detail);
        let mut after: Option<ObjectKey> = None;
        loop {
            journal.signal.borrow().check()?;
            let page = journal.known(after.as_ref(), PAGE).await?;
            for object in &page {
                known.add(object);
            }
            match page.into_iter().next_back() {
                Some(last) => after = Some(last.key),
                None => return Ok(known),
            }
        }
    }

    fn empty(detail: Detail) -> Self {
        let checksums = (detail == Detail::Checksums).then(HashMap::new);
        Self { hasher: RandomState::new(), objects: HashMap::new(), checksums }
    }

    fn add(&mut self, object: &KnownObject) {
        let known = Known {
            size: object.size,
            mtime_ns: object.mtime_ns,
            is_own: object.is_own,
            is_current: object.is_current,
            has_object: object.has_object,
            is_seen: false,
        };
        let hash = self.hasher.hash_one(&object.key);
        self.objects.insert(hash, known);
        if let (Some(checksums), Some(checksum)) = (&mut self.checksums, object.checksum) {
            checksums.insert(hash, checksum);
        }
    }

    /// The checksum of what is in the store, where a file of this size may be the same, and checksums are known.
    pub fn checksum(&self, key: &ObjectKey, size: u64) -> Option<Crc64> {
        let hash = self.hasher.hash_one(key);
        // Of one that is to be uploaded again the size is not that of the object.
        let may_be = self.objects.get(&hash).is_some_and(|known| !known.is_current || known.size == size);
        self.checksums.as_ref().filter(|_| may_be)?.get(&hash).copied()
    }

    /// Whether a file of this size and time is in the store already. From then on it counts as seen.
    pub fn see(&mut self, key: &ObjectKey, size: u64, mtime_ns: i64) -> bool {
        match self.objects.get_mut(&self.hasher.hash_one(key)) {
            Some(known) => {
                known.is_seen = true;
                known.is_current && known.size == size && known.mtime_ns == mtime_ns
            }
            None => false,
        }
    }

    /// Whether no file was seen of this object.
    pub fn is_unseen(&self, key: &ObjectKey) -> bool {
        self.objects.get(&self.hasher.hash_one(key)).is_some_and(|known| known.is_own && !known.is_seen)
    }

    /// How many objects are the session's own.
    pub fn own(&self) -> u64 {
        let own = self.objects.values().filter(|known| known.is_own && known.has_object);
        u64::try_from(own.count()).unwrap_or(u64::MAX)
    }

    /// Whether there is any of its own that no file was seen of.
    pub fn has_unseen(&self) -> bool {
        self.objects.values().any(|known| known.is_own && !known.is_seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(key: &str, is_current: bool) -> KnownObject {
        KnownObject {
            key: ObjectKey::parse(key).unwrap(),
            is_own: true,
            is_current,
            has_object: true,
            size: 3,
            mtime_ns: 7,
            checksum: None,
        }
    }

    #[test]
    fn u8_a_file_is_unchanged_by_size_and_time() {
        let mut known = KnownObjects::empty(Detail::Usual);
        for (key, is_current) in [("p/a", true), ("p/b", false), ("p/c", true)] {
            known.add(&object(key, is_current));
        }
        let key = |key| ObjectKey::parse(key).unwrap();
        assert!(known.see(&key("p/a"), 3, 7));
        assert!(!known.see(&key("p/a"), 4, 7) && !known.see(&key("p/a"), 3, 8));
        assert!(!known.see(&key("p/b"), 3, 7), "it was to be uploaded again");
        assert!(!known.see(&key("p/d"), 3, 7));
        assert_eq!((known.own(), known.has_unseen()), (3, true));
        assert!(known.is_unseen(&key("p/c")) && !known.is_unseen(&key("p/a")));
    }

    #[test]
    fn u8_checksums_are_known_where_they_are_asked_for() {
        let checksum = Some(Crc64::of(b"abc"));
        let key = |key| ObjectKey::parse(key).unwrap();
        for (detail, expected) in [(Detail::Usual, None), (Detail::Checksums, checksum)] {
            let mut known = KnownObjects::empty(detail);
            known.add(&KnownObject { checksum, ..object("p/a", true) });
            known.add(&KnownObject { checksum, ..object("p/b", false) });
            known.add(&object("p/c", true));
            assert_eq!((known.checksum(&key("p/a"), 3), known.checksum(&key("p/a"), 4)), (expected, None));
            assert_eq!(known.checksum(&key("p/b"), 4), expected, "the size is that of a newer file");
            assert_eq!((known.checksum(&key("p/c"), 3), known.checksum(&key("p/d"), 3)), (None, None));
        }
    }
}

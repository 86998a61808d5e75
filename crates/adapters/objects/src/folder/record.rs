//! What is known of the contents of an object or a part, kept in a small file of its own.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;

use tenantry_sync::objects::Crc64;

/// The file that a record speaks of. An object is never changed in place, but replaced by another file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    inode: u64,
    size: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl Identity {
    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn of(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            size: metadata.size(),
            seconds: metadata.mtime(),
            nanoseconds: metadata.mtime_nsec(),
        }
    }
}

/// The entity tag of contents. Equal contents have equal ones, as they have on S3.
pub(super) fn etag(size: u64, checksum: Crc64) -> String {
    format!("\"{:016x}-{size}\"", checksum.get())
}

/// What is known of the contents of a file, as long as it is this file.
pub(super) fn write(identity: &Identity, checksum: Crc64) -> String {
    let Identity { inode, size, seconds, nanoseconds } = identity;
    seal(&format!("object {inode} {size} {seconds} {nanoseconds} {checksum}"))
}

/// The checksum that was recorded for this file; `None` where it was for another, or makes no sense.
pub(super) fn read(text: &str, identity: &Identity) -> Option<Crc64> {
    let mut words = unseal(text)?.split(' ');
    let recorded = |words: &mut std::str::Split<'_, char>| {
        Some(Identity {
            inode: words.next()?.parse().ok()?,
            size: words.next()?.parse().ok()?,
            seconds: words.next()?.parse().ok()?,
            nanoseconds: words.next()?.parse().ok()?,
        })
    };
    (words.next()? == "object" && recorded(&mut words)? == *identity).then(|| words.next()?.parse().ok())?
}

/// A part, as it lies in the file of its upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PartRecord {
    pub offset: u64,
    pub size: u64,
    pub checksum: Crc64,
}

impl PartRecord {
    pub fn write(&self) -> String {
        seal(&format!("part {} {} {}", self.offset, self.size, self.checksum))
    }

    pub fn read(text: &str) -> Option<Self> {
        let mut words = unseal(text)?.split(' ');
        if words.next()? != "part" {
            return None;
        }
        Some(Self {
            offset: words.next()?.parse().ok()?,
            size: words.next()?.parse().ok()?,
            checksum: words.next()?.parse().ok()?,
        })
    }
}

/// A record is not flushed to the disk as objects are: what a loss of power left of one must not pass for it.
pub(super) fn seal(text: &str) -> String {
    format!("{text} {}\n", Crc64::of(text.as_bytes()))
}

pub(super) fn unseal(text: &str) -> Option<&str> {
    let (text, seal) = text.strip_suffix('\n')?.rsplit_once(' ')?;
    (seal.parse() == Ok(Crc64::of(text.as_bytes()))).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: Identity = Identity { inode: 5, size: 9, seconds: -1, nanoseconds: 7 };

    #[test]
    fn a_record_is_of_one_file() {
        let text = write(&FILE, Crc64::new(1));
        assert_eq!(read(&text, &FILE), Some(Crc64::new(1)));
        for other in [
            Identity { inode: 6, ..FILE },
            Identity { size: 8, ..FILE },
            Identity { seconds: 1, ..FILE },
            Identity { nanoseconds: 8, ..FILE },
        ] {
            assert_eq!(read(&text, &other), None);
        }
    }

    #[test]
    fn a_part_comes_back() {
        let part = PartRecord { offset: 3, size: 2, checksum: Crc64::new(u64::MAX) };
        assert_eq!(PartRecord::read(&part.write()), Some(part));
        assert_eq!(PartRecord::read(&write(&FILE, Crc64::new(1))), None);
    }

    #[test]
    fn half_a_record_is_none() {
        let text = write(&FILE, Crc64::new(1));
        for length in 0..text.len() {
            assert_eq!(read(&text[..length], &FILE), None, "{length}");
        }
        assert_eq!(read(&text.replace('9', "8"), &Identity { size: 8, ..FILE }), None);
    }
}

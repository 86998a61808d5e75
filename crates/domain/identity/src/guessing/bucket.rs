use std::fmt;

use chrono::{DateTime, Duration, Utc};

/// Names a bucket without telling what is counted in it: a keyed hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BucketKey([u8; 32]);

impl BucketKey {
    /// The key with these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for BucketKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("BucketKey(redacted)")
    }
}

/// What a bucket admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketRule {
    /// Guesses from the first one until the window ends.
    pub guesses: u32,
    /// Guesses at a time that are not settled yet.
    pub at_once: u32,
    /// How long guesses are remembered, from the first one on.
    pub window: Duration,
}

/// Where guesses are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// Which it is.
    pub key: BucketKey,
    /// What it admits.
    pub rule: BucketRule,
}

impl Bucket {
    /// After this long, a guess that nobody settled is taken for settled: its process was killed, or its client hung up.
    #[must_use]
    pub fn settling_time() -> Duration {
        Duration::minutes(1)
    }
}

/// What became of a guess that was reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// It was wrong: its bucket admits no other one before this time.
    Wrong(BucketKey, DateTime<Utc>),
    /// It does not count in this bucket.
    Unused(BucketKey),
    /// It was right: all guesses in this bucket are forgotten.
    Right(BucketKey),
}

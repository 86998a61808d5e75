use chrono::{DateTime, Utc};
use tenantry_kernel::{Cursor, SortKey};

use crate::{AdvisorId, Reading, ReadingStatus};

/// Which readings a list holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadingFilter {
    /// Of this advisor.
    pub advisor: Option<AdvisorId>,
    /// In this state.
    pub status: Option<ReadingStatus>,
    /// Asked at this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Asked before this time.
    pub to: Option<DateTime<Utc>>,
}

impl ReadingFilter {
    /// The place behind a reading in a list, which has the newest first.
    #[must_use]
    pub fn cursor(reading: &Reading) -> Cursor {
        Cursor { key: SortKey::Time(reading.created_at), id: reading.id.as_uuid() }
    }
}

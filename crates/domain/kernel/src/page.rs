use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How many items a page holds at most: 1 to 100, 50 by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimit(u16);

impl PageLimit {
    /// The largest page.
    pub const MAX: u16 = 100;

    /// The limit, if it is between 1 and [`PageLimit::MAX`].
    #[must_use]
    pub fn new(value: u64) -> Option<Self> {
        let value = u16::try_from(value).ok()?;
        (1..=Self::MAX).contains(&value).then_some(Self(value))
    }

    /// The number of items.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }
}

impl Default for PageLimit {
    fn default() -> Self {
        Self(50)
    }
}

/// The value of the field that a list is sorted by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortKey {
    /// The field is empty. Empty values come last, in either direction.
    Null,
    /// A whole number.
    Integer(i64),
    /// Text, compared byte by byte.
    Text(String),
    /// A point in time.
    Time(DateTime<Utc>),
}

/// A place in a sorted list: just after the item with this sort key and id.
///
/// A list that continues from a cursor neither skips nor repeats items when others come or go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The sort field of the last item before this place.
    pub key: SortKey,
    /// The id of that item, which decides between equal keys.
    pub id: Uuid,
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageRequest {
    /// The page with this number, from 1; the answer says how many items there are in all.
    Number {
        /// From 1.
        page: u64,
        /// Items a page.
        limit: PageLimit,
    },
    /// What comes after the cursor; the total is not counted.
    After {
        /// Where to go on.
        cursor: Cursor,
        /// Items a page.
        limit: PageLimit,
    },
}

impl PageRequest {
    /// Items a page.
    #[must_use]
    pub fn limit(&self) -> PageLimit {
        match self {
            Self::Number { limit, .. } | Self::After { limit, .. } => *limit,
        }
    }
}

impl Default for PageRequest {
    fn default() -> Self {
        Self::Number { page: 1, limit: PageLimit::default() }
    }
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in the order asked for.
    pub items: Vec<T>,
    /// How many items all pages hold together; counted for [`PageRequest::Number`] only.
    pub total: Option<u64>,
    /// Where the next page starts; none on the last page.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// Makes a page from up to `limit + 1` items: the one too many tells that there is a next page, and is dropped.
    pub fn from_probe(
        mut items: Vec<T>,
        limit: PageLimit,
        total: Option<u64>,
        cursor_of: impl Fn(&T) -> Cursor,
    ) -> Self {
        let limit = usize::from(limit.get());
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(cursor_of) } else { None };
        Self { items, total, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(id: &u128) -> Cursor {
        Cursor { key: SortKey::Null, id: Uuid::from_u128(*id) }
    }

    #[test]
    fn limit_is_bounded() {
        assert_eq!(PageLimit::new(0), None);
        assert_eq!(PageLimit::new(101), None);
        assert_eq!(PageLimit::new(100).map(PageLimit::get), Some(100));
    }

    #[test]
    fn the_probe_item_becomes_the_next_cursor_and_is_dropped() {
        let limit = PageLimit::new(2).unwrap_or_default();
        let page = Page::from_probe(vec![1_u128, 2, 3], limit, None, place);
        assert_eq!(page.items, vec![1, 2]);
        assert_eq!(page.next, Some(place(&2)));
        let last = Page::from_probe(vec![3_u128, 4], limit, Some(4), place);
        assert_eq!(last.next, None);
    }
}

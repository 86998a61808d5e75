//! Two members of a body that mean the same thing.

use std::fmt;

use crate::fields::{Field, Fields, Patch};

/// A text under either of its names; both may be there when they say the same.
#[derive(Debug)]
pub(super) struct Twins<T> {
    /// The name of the first, and its value.
    pub(super) first: (&'static str, T),
    /// The name of the second, and its value.
    pub(super) second: (&'static str, T),
}

impl Twins<Option<String>> {
    /// A field that may be absent or null.
    pub(super) fn optional<T, E: fmt::Display>(
        self,
        fields: &mut Fields,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Field<Option<T>> {
        let (first, second) = (self.first, self.second);
        match (first.1, second.1) {
            (Some(one), Some(other)) if one != other => refuse(fields, first.0, second.0),
            (Some(raw), _) => fields.check(first.0, parse(&raw).map(Some)),
            (None, raw) => fields.optional(second.0, raw.as_deref(), parse),
        }
    }

    /// A field that must be there.
    pub(super) fn required<T, E: fmt::Display>(
        self,
        fields: &mut Fields,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Field<T> {
        let (first, second) = (self.first, self.second);
        match (first.1, second.1) {
            (Some(one), Some(other)) if one != other => refuse(fields, first.0, second.0),
            (Some(raw), _) => fields.parse(first.0, &raw, parse),
            (None, Some(raw)) => fields.parse(second.0, &raw, parse),
            (None, None) => fields.refuse(second.0, "is required"),
        }
    }
}

impl Twins<Patch<String>> {
    /// A member of a PATCH body that can't be cleared: `None` keeps the stored value.
    pub(super) fn change<T, E: fmt::Display>(
        self,
        fields: &mut Fields,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Field<Option<T>> {
        let (first, second) = (self.first, self.second);
        match (&first.1, &second.1) {
            (one, Patch::Keep) => fields.change(first.0, one, parse),
            (Patch::Keep, other) => fields.change(second.0, other, parse),
            (one, other) if one == other => fields.change(first.0, one, parse),
            _ => refuse(fields, first.0, second.0),
        }
    }
}

fn refuse<T>(fields: &mut Fields, first: &str, second: &str) -> Field<T> {
    fields.refuse(second, format_args!("must be the same as {first}"))
}

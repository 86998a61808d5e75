use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use tenantry_identity::Email;
use tenantry_kernel::{OrganizationId, Revision, text_value};

use crate::Slug;

text_value! {
    /// The name of an organisation, 1 to 255 characters.
    OrganizationName, 1..=255
}

/// What an organisation pays for. Licences decide it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Where everyone starts.
    Free,
    /// The middle.
    Pro,
    /// The top.
    Enterprise,
}

impl Plan {
    /// The name of the plan, as the API and the databases spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Free => "FREE",
            Self::Pro => "PRO",
            Self::Enterprise => "ENTERPRISE",
        }
    }

    /// The plan with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Free, Self::Pro, Self::Enterprise].into_iter().find(|plan| plan.as_str() == name)
    }
}

/// Whatever clients want to keep with a thing: a JSON object of at most 16 KiB.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata(Map<String, Value>);

/// Metadata was refused. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// More than [`Metadata::MAX_BYTES`] as JSON.
    #[error("must have at most 16 KiB")]
    TooLarge,
    /// A NUL character, which PostgreSQL can't keep.
    #[error("must not contain NUL")]
    Nul,
}

impl Metadata {
    /// The most bytes, written as JSON without white space.
    pub const MAX_BYTES: usize = 16 * 1024;

    /// Takes `object` if it is small enough to keep.
    ///
    /// # Errors
    /// [`MetadataError`].
    pub fn parse(object: Map<String, Value>) -> Result<Self, MetadataError> {
        let written = serde_json::to_string(&object).unwrap_or_default();
        if written.len() > Self::MAX_BYTES {
            return Err(MetadataError::TooLarge);
        }
        if written.contains("\\u0000") && has_nul(&Value::Object(object.clone())) {
            return Err(MetadataError::Nul);
        }
        Ok(Self(object))
    }

    /// The metadata as it was stored.
    #[must_use]
    pub fn from_stored(object: Map<String, Value>) -> Self {
        Self(object)
    }

    /// The object.
    #[must_use]
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => members.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A tenant: a company, a team, or one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Names the organisation for ever.
    pub id: OrganizationId,
    /// What people call it.
    pub name: OrganizationName,
    /// Its name in addresses, unique.
    pub slug: Slug,
    /// What it pays for.
    pub plan: Plan,
    /// Whom to ask.
    pub contact_email: Option<Email>,
    /// Whether its members may work in it; a platform administrator decides.
    pub is_active: bool,
    /// What clients keep with it.
    pub metadata: Metadata,
    /// When it was founded.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was deleted.
    pub deleted_at: Option<DateTime<Utc>>,
    /// The version of the stored organisation.
    pub revision: Revision,
}

/// What somebody gives to found an organisation.
#[derive(Debug, Clone)]
pub struct NewOrganization {
    /// What people will call it.
    pub name: OrganizationName,
    /// Its name in addresses; made from the name where absent.
    pub slug: Option<Slug>,
    /// Whom to ask.
    pub contact_email: Option<Email>,
    /// What clients keep with it.
    pub metadata: Metadata,
}

/// A change of an organisation; what is `None` stays as it is, `Some(None)` clears.
#[derive(Debug, Clone, Default)]
pub struct OrganizationChange {
    /// The new name.
    pub name: Option<OrganizationName>,
    /// The new name in addresses.
    pub slug: Option<Slug>,
    /// Whom to ask from now on.
    pub contact_email: Option<Option<Email>>,
    /// The new metadata.
    pub metadata: Option<Metadata>,
}

impl Organization {
    /// The organisation after `change` at `now`.
    #[must_use]
    pub fn changed(self, change: OrganizationChange, now: DateTime<Utc>) -> Self {
        Self {
            name: change.name.unwrap_or(self.name),
            slug: change.slug.unwrap_or(self.slug),
            contact_email: change.contact_email.unwrap_or(self.contact_email),
            metadata: change.metadata.unwrap_or(self.metadata),
            updated_at: now,
            revision: self.revision.next(),
            ..self
        }
    }

    /// The organisation after a platform administrator decided at `now` whether its members may work in it.
    #[must_use]
    pub fn with_activity(self, is_active: bool, now: DateTime<Utc>) -> Self {
        Self { is_active, updated_at: now, revision: self.revision.next(), ..self }
    }

    /// The organisation after its deletion at `now`: closed to everybody, and waiting for erasure.
    #[must_use]
    pub fn deleted(self, now: DateTime<Utc>) -> Self {
        Self { deleted_at: Some(now), updated_at: now, revision: self.revision.next(), ..self }
    }
}

impl NewOrganization {
    /// An organisation of this name and nothing else.
    #[must_use]
    pub fn named(name: OrganizationName) -> Self {
        Self { name, slug: None, contact_email: None, metadata: Metadata::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn metadata_is_bounded_and_storable() {
        assert!(Metadata::parse(object(&json!({"a": ["b", 1, null]}))).is_ok());
        assert_eq!(Metadata::parse(object(&json!({"a": "x".repeat(17_000)}))), Err(MetadataError::TooLarge));
        assert_eq!(Metadata::parse(object(&json!({"a": [{"b": "x\u{0}"}]}))), Err(MetadataError::Nul));
        assert!(Metadata::parse(object(&json!({"a": "\\u0000 spelled out"}))).is_ok());
    }
}

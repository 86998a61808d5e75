use serde::{Deserialize, Deserializer};
use utoipa::{
    __dev::ComposeSchema,
    ToSchema,
    openapi::{RefOr, Schema},
};

/// A member of a PATCH body: absent, `null`, or a value.
///
/// Members of this type need `#[serde(default)]`, which makes an absent one [`Patch::Keep`], and
/// `#[schema(value_type = Option<T>)]`, which describes them in place rather than as a schema `Patch_T`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Patch<T> {
    /// Absent: the stored value stays.
    #[default]
    Keep,
    /// `null`: the stored value is cleared.
    Clear,
    /// The new value.
    Set(T),
}

impl<T> Patch<T> {
    /// The new value, if there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }

    /// The same with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Patch<U> {
        match self {
            Self::Keep => Patch::Keep,
            Self::Clear => Patch::Clear,
            Self::Set(value) => Patch::Set(change(value)),
        }
    }

    /// The same with a value that was parsed.
    ///
    /// # Errors
    /// What `parse` says of the new value.
    pub fn try_map<U, E>(self, parse: impl FnOnce(T) -> Result<U, E>) -> Result<Patch<U>, E> {
        match self {
            Self::Keep => Ok(Patch::Keep),
            Self::Clear => Ok(Patch::Clear),
            Self::Set(value) => parse(value).map(Patch::Set),
        }
    }

    /// What to store, if anything changes: `Some(None)` clears.
    pub fn into_change(self) -> Option<Option<T>> {
        match self {
            Self::Keep => None,
            Self::Clear => Some(None),
            Self::Set(value) => Some(Some(value)),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(|value| value.map_or(Self::Clear, Self::Set))
    }
}

impl<T: ComposeSchema> ComposeSchema for Patch<T> {
    fn compose(generics: Vec<RefOr<Schema>>) -> RefOr<Schema> {
        Option::<T>::compose(generics)
    }
}

impl<T: ToSchema + ComposeSchema> ToSchema for Patch<T> {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    use utoipa::PartialSchema;

    use super::*;

    #[derive(Debug, Deserialize, ToSchema)]
    #[serde(deny_unknown_fields)]
    struct Change {
        #[serde(default)]
        text: Patch<String>,
    }

    fn parse(body: &str) -> Patch<String> {
        serde_json::from_str::<Change>(body).unwrap().text
    }

    #[test]
    fn tells_absent_null_and_value_apart() {
        assert_eq!(parse("{}"), Patch::Keep);
        assert_eq!(parse(r#"{"text": null}"#), Patch::Clear);
        assert_eq!(parse(r#"{"text": "a"}"#), Patch::Set("a".to_owned()));
        assert_eq!(Patch::Set(1).into_change(), Some(Some(1)));
        assert_eq!(Patch::<u8>::Clear.into_change(), Some(None));
        assert_eq!(Patch::<u8>::Keep.into_change(), None);
    }

    #[test]
    fn is_documented_as_nullable_and_optional() {
        let schema = serde_json::to_value(Change::schema()).unwrap();
        assert_eq!(schema.get("required"), None);
        let text = serde_json::to_string(&Patch::<String>::schema()).unwrap();
        assert!(text.contains("null") && text.contains("string"), "{text}");
    }
}

use std::fmt;

use super::Patch;
use crate::problem::Problem;

/// Parses the fields of a request one by one and collects every one that is bad, in the order of the calls.
///
/// ```
/// # use tenantry_http::fields::Fields;
/// # use tenantry_http::problem::Problem;
/// # fn parse_title(raw: &str) -> Result<String, &'static str> { if raw.is_empty() { Err("must not be empty") } else { Ok(raw.to_owned()) } }
/// # fn example(title: &str, note: Option<&str>) -> Result<(), Problem> {
/// let mut fields = Fields::new();
/// let title = fields.parse("title", title, parse_title);
/// let note = fields.optional("note", note, parse_title);
/// let (title, note) = fields.finish((title, note))?;
/// # Ok(()) }
/// # assert!(example("a", None).is_ok());
/// assert_eq!(example("", Some("")).unwrap_err().errors().len(), 2);
/// ```
///
/// The parsers are those of the domain; their errors are read after the name of the field (`must have 1 to 200
/// characters`).
#[derive(Debug, Default)]
pub struct Fields {
    problem: Option<Problem>,
}

/// A field that [`Fields`] has seen: its value, or nothing when it was bad and the error is kept there.
#[derive(Debug)]
#[must_use = "give it to Fields::finish"]
pub struct Field<T>(Option<T>);

impl Fields {
    /// No field seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A field that must be there.
    pub fn parse<T, E: fmt::Display>(
        &mut self,
        name: &str,
        raw: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Field<T> {
        self.check(name, parse(raw))
    }

    /// A field that may be absent or null.
    pub fn optional<T, E: fmt::Display>(
        &mut self,
        name: &str,
        raw: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Field<Option<T>> {
        self.check(name, raw.map(parse).transpose())
    }

    /// A list, each item of which is parsed; a bad one is named with its index.
    pub fn each<T, E: fmt::Display>(
        &mut self,
        name: &str,
        raw: &[String],
        mut parse: impl FnMut(&str) -> Result<T, E>,
    ) -> Field<Vec<T>> {
        let mut values = Vec::with_capacity(raw.len());
        for (index, item) in raw.iter().enumerate() {
            values.extend(self.check(&format!("{name}[{index}]"), parse(item)).0);
        }
        Field((values.len() == raw.len()).then_some(values))
    }

    /// A member of a PATCH body that can be cleared.
    pub fn patch<R: AsRef<str>, T, E: fmt::Display>(
        &mut self,
        name: &str,
        raw: &Patch<R>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Field<Patch<T>> {
        match raw {
            Patch::Keep => Field(Some(Patch::Keep)),
            Patch::Clear => Field(Some(Patch::Clear)),
            Patch::Set(raw) => self.check(name, parse(raw.as_ref()).map(Patch::Set)),
        }
    }

    /// A member of a PATCH body that can't be cleared: `None` keeps the stored value.
    pub fn change<R: AsRef<str>, T, E: fmt::Display>(
        &mut self,
        name: &str,
        raw: &Patch<R>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Field<Option<T>> {
        let raw = match raw {
            Patch::Keep => Patch::Keep,
            Patch::Clear => Patch::Clear,
            Patch::Set(raw) => Patch::Set(raw.as_ref()),
        };
        self.change_value(name, raw, parse)
    }

    /// The same for a member that is no text.
    pub fn change_value<R, T, E: fmt::Display>(
        &mut self,
        name: &str,
        raw: Patch<R>,
        parse: impl FnOnce(R) -> Result<T, E>,
    ) -> Field<Option<T>> {
        match raw {
            Patch::Keep => Field(Some(None)),
            Patch::Clear => self.refuse(name, "must not be null"),
            Patch::Set(raw) => self.check(name, parse(raw).map(Some)),
        }
    }

    /// A field of a request that takes no such field: it has no value and is never bad.
    pub fn nothing(&mut self) -> Field<()> {
        Field(Some(()))
    }

    /// A field that was parsed already.
    pub fn check<T, E: fmt::Display>(&mut self, name: &str, parsed: Result<T, E>) -> Field<T> {
        match parsed {
            Ok(value) => Field(Some(value)),
            Err(error) => self.refuse(name, error),
        }
    }

    /// A field that is bad, whatever its value.
    pub fn refuse<T>(&mut self, name: &str, error: impl fmt::Display) -> Field<T> {
        self.problem = Some(match self.problem.take() {
            None => Problem::validation(name, error),
            Some(problem) => problem.with_field(name, error),
        });
        Field(None)
    }

    /// The values of the fields (one, or a tuple of up to twelve), or all errors as one problem.
    ///
    /// # Errors
    /// 422 `VALIDATION_ERROR` naming every bad field.
    pub fn finish<P: Parsed>(self, parsed: P) -> Result<P::Values, Problem> {
        match (self.problem, parsed.values()) {
            (None, Some(values)) => Ok(values),
            (Some(problem), _) => Err(problem),
            // A bad field of another `Fields` was passed: its problem is there.
            (None, None) => Err(Problem::new(crate::problem::ErrorCode::ValidationError)),
        }
    }
}

/// One [`Field`], or a tuple of them.
pub trait Parsed {
    /// What they hold.
    type Values;

    /// The values, if every field has one.
    fn values(self) -> Option<Self::Values>;
}

impl Parsed for () {
    type Values = ();

    fn values(self) -> Option<()> {
        Some(())
    }
}

impl<T> Parsed for Field<T> {
    type Values = T;

    fn values(self) -> Option<T> {
        self.0
    }
}

macro_rules! parsed_tuples {
    ($($first:ident $($rest:ident)*;)+) => {$(
        impl<$first, $($rest),*> Parsed for (Field<$first>, $(Field<$rest>),*) {
            type Values = ($first, $($rest),*);

            #[expect(non_snake_case, reason = "the type parameters name the values as well")]
            fn values(self) -> Option<Self::Values> {
                let (Field($first), $(Field($rest)),*) = self;
                Some(($first?, $($rest?),*))
            }
        }
    )+};
}

parsed_tuples! {
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
    A B C D E F G;
    A B C D E F G H;
    A B C D E F G H I;
    A B C D E F G H I J;
    A B C D E F G H I J K;
    A B C D E F G H I J K L;
}

#[cfg(test)]
mod tests {
    use tenantry_kernel::parse_text;

    use super::*;

    fn short(raw: &str) -> Result<String, tenantry_kernel::TextError> {
        parse_text(raw, 1, 3)
    }

    #[test]
    fn collects_every_bad_field_in_order() {
        let mut fields = Fields::new();
        let title = fields.parse("title", "", short);
        let note = fields.optional("note", Some("long text"), short);
        let fine = fields.optional("fine", None, short);
        let labels = fields.each("labels", &["a".to_owned(), String::new()], short);
        let name = fields.change("name", &Patch::<String>::Clear, short);
        let problem = fields.finish((title, note, fine, labels, name)).unwrap_err();
        let errors: Vec<_> = problem.errors().iter().map(|error| error.error.as_str()).collect();
        assert_eq!(
            errors,
            [
                "title must have 1 to 3 characters",
                "note must have 1 to 3 characters",
                "labels[1] must have 1 to 3 characters",
                "name must not be null",
            ]
        );
        assert_eq!(problem.detail(), "title must have 1 to 3 characters");
    }

    #[test]
    fn gives_typed_values() {
        let mut fields = Fields::new();
        let title = fields.parse("title", " a ", short);
        let note = fields.patch("note", &Patch::<String>::Clear, short);
        let count = fields.check("count", "3".parse::<u8>());
        let (title, note, count) = fields.finish((title, note, count)).unwrap();
        assert_eq!((title.as_str(), note, count), ("a", Patch::Clear, 3));
    }

    #[test]
    fn a_refusal_without_a_value_is_enough_to_fail() {
        let mut fields = Fields::new();
        let title = fields.parse("title", "a", short);
        let _: Field<()> = fields.refuse("due_at", "is needed by recurrence");
        assert_eq!(fields.finish(title).unwrap_err().detail(), "due_at is needed by recurrence");
    }
}

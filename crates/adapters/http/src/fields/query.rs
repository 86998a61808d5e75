//! Queries. Lists take [`ListQuery`](crate::paging::ListQuery), which also reads the page.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use serde::de::{DeserializeOwned, value};
use tenantry_kernel::{TextError, parse_text};

use super::shape;
use crate::problem::Problem;

/// Names and values of a query, decoded, in their order.
pub(crate) type Pairs = Vec<(String, String)>;

/// The parameters of a query that names no page.
#[derive(Debug)]
pub(crate) struct QueryOf<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest for QueryOf<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse_query(request.query_string()).map(Self))
    }
}

/// Decodes a query into its pairs.
pub(crate) fn parse_pairs(query: &str) -> Pairs {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// Decodes a query into a `T`, which should `deny_unknown_fields`. An unknown, repeated or wrong parameter is 422 and
/// named.
pub(crate) fn parse_query<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(pairs).map_err(|error: serde_path_to_error::Error<value::Error>| {
        shape::wrong_shape(&error.path().to_string(), &error.inner().to_string())
    })
}

/// The most characters of a search.
const SEARCH_CHARACTERS: usize = 200;

/// The words of a search.
///
/// # Errors
/// [`TextError`] for one that is too long or has control characters.
pub(crate) fn search_words(raw: &str) -> Result<Vec<String>, TextError> {
    let text = parse_text(raw, 0, SEARCH_CHARACTERS)?;
    Ok(text.split_whitespace().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use uuid::Uuid;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Query {
        priority: Option<u8>,
        active: Option<bool>,
        q: Option<String>,
        project_id: Option<Uuid>,
    }

    fn refuse(query: &str) -> String {
        parse_query::<Query>(query).unwrap_err().errors().iter().map(|error| error.error.clone()).collect()
    }

    #[test]
    fn reads_typed_parameters() {
        let query: Query = parse_query("priority=3&active=true&q=caf%C3%A9+noir").unwrap();
        assert_eq!((query.priority, query.active, query.q.as_deref()), (Some(3), Some(true), Some("café noir")));
        assert_eq!(query.project_id, None);
        assert!(parse_query::<Query>("").is_ok());
    }

    #[test]
    fn names_the_parameter_that_is_unknown_repeated_or_wrong() {
        assert_eq!(refuse("colour=red"), "colour is not known here");
        assert_eq!(refuse("q=a&q=b"), "q must be given only once");
        assert_eq!(refuse("priority=high"), "priority must be a whole number");
        assert_eq!(refuse("priority=300"), "priority must be a smaller number");
        assert_eq!(refuse("active=yes"), "active must be true or false");
        assert_eq!(refuse("project_id=7"), "project_id must be a UUID");
    }
}

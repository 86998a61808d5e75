use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// The segments of the path that are parameters: one id, or a tuple of them in their order.
///
/// What is not of the form of its type (a UUID, mostly) names nothing, so it is 404.
#[derive(Debug, Clone, Copy)]
pub struct PathId<T>(pub T);

impl<T: DeserializeOwned> FromRequest for PathId<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let segments = web::Path::<T>::extract(request).into_inner();
        ready(segments.map(|path| Self(path.into_inner())).or(Err(Problem::not_found())))
    }
}

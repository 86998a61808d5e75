use std::{
    cell::{Cell, OnceCell},
    future::{Ready, ready},
    rc::Rc,
};

use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload};
use uuid::Uuid;

use crate::{
    fields::parse_pairs,
    problem::{ErrorCode, Problem},
};

/// What is known about a request while it is answered; the line that it gets in the log is made from this.
///
/// Clones are the same scope.
#[derive(Debug, Clone)]
pub struct RequestScope(Rc<Known>);

#[derive(Debug)]
struct Known {
    request_id: String,
    route: OnceCell<Rc<str>>,
    takes_query: Cell<bool>,
    user_id: Cell<Option<Uuid>>,
    organization_id: Cell<Option<Uuid>>,
}

impl RequestScope {
    pub(crate) fn new(request_id: String) -> Self {
        Self(Rc::new(Known {
            request_id,
            route: OnceCell::new(),
            takes_query: Cell::new(true),
            user_id: Cell::new(None),
            organization_id: Cell::new(None),
        }))
    }

    /// The scope of this request.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Option<Self> {
        request.extensions().get::<Self>().cloned()
    }

    /// The `X-Request-Id` of the answer.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.0.request_id
    }

    /// Notes who sends the request.
    pub fn set_user(&self, user_id: impl Into<Uuid>) {
        self.0.user_id.set(Some(user_id.into()));
    }

    /// Notes the organization that the request works in.
    pub fn set_organization(&self, organization_id: impl Into<Uuid>) {
        self.0.organization_id.set(Some(organization_id.into()));
    }

    /// Notes the pattern of the path that was routed; the first one stays.
    pub(crate) fn set_route(&self, pattern: &Rc<str>) {
        self.0.route.get_or_init(|| Rc::clone(pattern));
    }

    /// Notes whether the operation has any query parameters.
    pub(crate) fn set_takes_query(&self, takes_query: bool) {
        self.0.takes_query.set(takes_query);
    }

    /// Refuses query parameters where the operation has none.
    pub(crate) fn check_query(&self, request: &HttpRequest) -> Result<(), Problem> {
        match parse_pairs(request.query_string()).first() {
            Some((name, _)) if !self.0.takes_query.get() => {
                Err(Problem::validation(name.as_str(), "is not known here"))
            }
            _ => Ok(()),
        }
    }

    /// The pattern of the path that was routed.
    pub(crate) fn route(&self) -> Option<&str> {
        self.0.route.get().map(AsRef::as_ref)
    }

    pub(crate) fn user_id(&self) -> Option<Uuid> {
        self.0.user_id.get()
    }

    pub(crate) fn organization_id(&self) -> Option<Uuid> {
        self.0.organization_id.get()
    }
}

impl FromRequest for RequestScope {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request).ok_or_else(|| Problem::new(ErrorCode::InternalError)))
    }
}

use std::{
    cell::{Cell, OnceCell},
    future::{Ready, ready},
    net::IpAddr,
    rc::Rc,
};

use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload};
use tenantry_application::RateState;
use tenantry_identity::ApiScope;
use tenantry_tenancy::TenantContext;
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
    address: Option<IpAddr>,
    route: OnceCell<Rc<str>>,
    takes_query: Cell<bool>,
    takes_its_time: Cell<bool>,
    api_scope: Cell<Option<ApiScope>>,
    user_id: Cell<Option<Uuid>>,
    context: OnceCell<TenantContext>,
    rate: Cell<Option<RateState>>,
    entered: OnceCell<TenantContext>,
}

impl RequestScope {
    pub(crate) fn new(request_id: String, address: Option<IpAddr>) -> Self {
        Self(Rc::new(Known {
            request_id,
            address,
            route: OnceCell::new(),
            takes_query: Cell::new(true),
            takes_its_time: Cell::new(false),
            api_scope: Cell::new(None),
            user_id: Cell::new(None),
            context: OnceCell::new(),
            rate: Cell::new(None),
            entered: OnceCell::new(),
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

    /// The client's address, as far as it can be believed.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.0.address
    }

    /// Notes who sends the request.
    pub fn set_user(&self, user_id: impl Into<Uuid>) {
        self.0.user_id.set(Some(user_id.into()));
    }

    /// Notes who acts, in which organization; the first one stays.
    pub fn set_context(&self, context: &TenantContext) {
        self.0.context.get_or_init(|| context.clone());
    }

    /// Notes that the path names the organization, whichever the request works in otherwise.
    pub(crate) fn set_entered(&self, context: &TenantContext) {
        self.0.entered.get_or_init(|| context.clone());
    }

    /// Notes the pattern of the path that was routed; the first one stays.
    pub(crate) fn set_route(&self, pattern: &Rc<str>) {
        self.0.route.get_or_init(|| Rc::clone(pattern));
    }

    /// Notes whether the operation has any query parameters.
    pub(crate) fn set_takes_query(&self, takes_query: bool) {
        self.0.takes_query.set(takes_query);
    }

    /// Notes that the body may come for as long as its client is not too slow, and the answer after it.
    pub(crate) fn set_takes_its_time(&self) {
        self.0.takes_its_time.set(true);
    }

    /// Whether [`HttpOptions::request_timeout`](crate::HttpOptions::request_timeout) does not hold.
    pub(crate) fn takes_its_time(&self) -> bool {
        self.0.takes_its_time.get()
    }

    /// Notes what the operation asks of an API key; none for one that no key may call.
    pub(crate) fn set_api_scope(&self, wanted: Option<ApiScope>) {
        self.0.api_scope.set(wanted);
    }

    /// What the operation asks of an API key; none for one that no key may call.
    pub(crate) fn api_scope(&self) -> Option<ApiScope> {
        self.0.api_scope.get()
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

    /// Notes how a limit stands; the tightest one stays.
    pub(crate) fn note_rate(&self, state: RateState) {
        let tightest = self.0.rate.get().map_or(state, |before| before.tighter(state));
        self.0.rate.set(Some(tightest));
    }

    /// How the tightest limit stands that counted the request.
    pub(crate) fn rate(&self) -> Option<RateState> {
        self.0.rate.get()
    }

    /// The pattern of the path that was routed.
    pub(crate) fn route(&self) -> Option<&str> {
        self.0.route.get().map(AsRef::as_ref)
    }

    pub(crate) fn user_id(&self) -> Option<Uuid> {
        self.0.user_id.get()
    }

    pub(crate) fn organization_id(&self) -> Option<Uuid> {
        self.context().map(|context| context.organization_id().as_uuid())
    }

    /// Who acts, in which organization, once that is known.
    pub(crate) fn context(&self) -> Option<&TenantContext> {
        self.0.entered.get().or_else(|| self.0.context.get())
    }
}

impl FromRequest for RequestScope {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request).ok_or_else(|| Problem::new(ErrorCode::InternalError)))
    }
}

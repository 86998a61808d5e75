//! Who sends a request, and in which organisation: handlers that take one of these can't run without it.

use std::{future::Future, pin::Pin};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{AUTHORIZATION, HeaderName, USER_AGENT},
    web::Data,
};
use tenantry_identity::{Actor, Client, Principal};
use tenantry_kernel::OrganizationId;
use tenantry_tenancy::TenantContext;
use uuid::Uuid;

use crate::{
    problem::{ErrorCode, Problem},
    scope::RequestScope,
    state::HttpState,
};

/// Names the organisation that a request works in, where it is not the token's own.
static X_ORGANIZATION_ID: HeaderName = HeaderName::from_static("x-organization-id");

/// The most characters that are kept of a `User-Agent`.
const USER_AGENT_CHARACTERS: usize = 500;

type Extraction<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

/// Who sends a request, within the organisation that it works in: the one that it names, or else the token's.
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    pub(crate) context: TenantContext,
}

/// A caller who may still have to replace a one-time password: for the few operations that such a user may call.
pub(crate) struct AnyCaller(pub(crate) Caller);

impl AnyCaller {
    async fn of(request: &HttpRequest, state: &HttpState) -> Result<Self, Problem> {
        let principal = state.services.authenticator.by_access_token(bearer_token(request)?).await?;
        let scope = RequestScope::of(request);
        if let Some(scope) = &scope {
            scope.set_user(principal.user_id());
            scope.check_query(request)?;
        }
        let context = match named_organization(request)? {
            Some(named) if named != principal.organization_id() => {
                state.services.entrance.enter(principal.actor(), named).await?
            }
            _ => TenantContext::resume(&principal)?,
        };
        if let Some(scope) = &scope {
            scope.set_organization(context.organization_id());
        }
        Ok(Self(Caller { principal, context }))
    }
}

impl Caller {
    async fn of(request: &HttpRequest, state: &HttpState) -> Result<Self, Problem> {
        let AnyCaller(caller) = AnyCaller::of(request, state).await?;
        if caller.has_to_change_password(state).await? {
            return Err(Problem::new(ErrorCode::PasswordChangeRequired));
        }
        Ok(caller)
    }

    /// Whether a one-time password still has to be replaced. The token tells that it had to be when it was issued;
    /// only then is the account asked.
    async fn has_to_change_password(&self, state: &HttpState) -> Result<bool, Problem> {
        if !self.principal.password_change_due() {
            return Ok(false);
        }
        Ok(state.services.accounts.find_own(&self.actor()).await?.must_change_password)
    }

    /// Who acts.
    pub(crate) fn actor(&self) -> Actor {
        self.principal.actor()
    }
}

macro_rules! extract {
    ($($extractor:ident),*) => {$(
        impl FromRequest for $extractor {
            type Error = Problem;
            type Future = Extraction<Self>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                let request = request.clone();
                Box::pin(async move {
                    let state = HttpState::of(&request)?;
                    Self::of(&request, &state).await
                })
            }
        }
    )*};
}

extract!(AnyCaller, Caller);

/// The token of an `Authorization: Bearer` header (RFC 6750, section 2.1).
pub(crate) fn bearer_token(request: &HttpRequest) -> Result<&str, Problem> {
    let header = request.headers().get(AUTHORIZATION).ok_or_else(|| Problem::new(ErrorCode::Unauthenticated))?;
    let malformed = || Problem::new(ErrorCode::TokenInvalid);
    let (scheme, token) = header.to_str().ok().and_then(|value| value.split_once(' ')).ok_or_else(malformed)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(Problem::new(ErrorCode::Unauthenticated)) }
}

fn named_organization(request: &HttpRequest) -> Result<Option<OrganizationId>, Problem> {
    let Some(value) = request.headers().get(&X_ORGANIZATION_ID) else { return Ok(None) };
    let id = value.to_str().ok().and_then(|value| Uuid::try_parse(value.trim()).ok());
    let malformed = || {
        Problem::new(ErrorCode::MalformedRequest)
            .with_detail("the header x-organization-id is not the id of an organization")
    };
    id.map(|id| Some(OrganizationId::from_uuid(id))).ok_or_else(malformed)
}

/// Where a session is opened from.
pub(crate) struct Origin(pub(crate) Client);

impl FromRequest for Origin {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let user_agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
        let user_agent = user_agent.map(|text| text.chars().take(USER_AGENT_CHARACTERS).collect());
        let ip_address = request.peer_addr().map(|address| address.ip().to_string());
        std::future::ready(Ok(Self(Client { user_agent, ip_address })))
    }
}

/// The state, as handlers take it.
pub(crate) type State = Data<HttpState>;

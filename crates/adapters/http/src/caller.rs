//! Who sends a request, and in which organisation: handlers that take one of these can't run without it.

use std::{future::Future, pin::Pin, sync::Arc};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{AUTHORIZATION, HeaderName, USER_AGENT},
    web::Data,
};
use secrecy::{ExposeSecret as _, SecretString};
use tenantry_identity::{Actor, ApiKeyBearer, Client, PlatformContext, Principal};
use tenantry_kernel::{OrganizationId, UserId};
use tenantry_tenancy::TenantContext;
use uuid::Uuid;

use crate::{
    middleware::throttle,
    problem::{ErrorCode, Problem},
    scope::RequestScope,
    state::HttpState,
};

/// Names the organisation that a request works in, where it is not the token's own.
static X_ORGANIZATION_ID: HeaderName = HeaderName::from_static("x-organization-id");

/// The most characters that are kept of a `User-Agent`.
const USER_AGENT_CHARACTERS: usize = 500;

type Extraction<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

/// Who sends a request, within the organisation that it works in: the one that it names, or else the token's. Somebody who
/// has signed in, or an API key with the scope that the operation asks for (see [`api_scope`](crate::operations)).
pub(crate) struct Caller {
    actor: Actor,
    user_id: UserId,
    pub(crate) context: TenantContext,
}

/// Somebody who has signed in: for operations that no API key may call.
pub(crate) struct SignedIn {
    pub(crate) principal: Principal,
    pub(crate) context: TenantContext,
}

/// The same, who may still have to replace a one-time password: for the few operations that such a user may call.
pub(crate) struct AnyCaller(pub(crate) SignedIn);

/// Somebody who has signed in, or nobody: for what also people without an account may do. Credentials that are there have to be good.
pub(crate) struct VoluntaryCaller(pub(crate) Option<SignedIn>);

/// Somebody who has signed in and administers the platform.
pub(crate) struct Administrator(pub(crate) PlatformContext);

impl VoluntaryCaller {
    async fn of(request: &HttpRequest, state: &HttpState) -> Result<Self, Problem> {
        if !request.headers().contains_key(AUTHORIZATION) {
            return Ok(Self(None));
        }
        SignedIn::of(request, state).await.map(|caller| Self(Some(caller)))
    }
}

/// A caller within the organisation that the path names with its first parameter, whichever the request works in
/// otherwise.
pub(crate) struct Insider(pub(crate) Caller);

impl Insider {
    async fn of(request: &HttpRequest, state: &HttpState) -> Result<Self, Problem> {
        let caller = Caller::of(request, state).await?;
        let id = request.match_info().iter().next().and_then(|(_, id)| Uuid::try_parse(id).ok());
        let id = OrganizationId::from_uuid(id.ok_or_else(Problem::not_found)?);
        let context = state.services.entrance.enter(caller.actor(), id).await?;
        if let Some(scope) = RequestScope::of(request) {
            scope.set_entered(&context);
        }
        Ok(Self(Caller { context, ..caller }))
    }
}

impl Administrator {
    async fn of(request: &HttpRequest, state: &HttpState) -> Result<Self, Problem> {
        let caller = SignedIn::of(request, state).await?;
        Ok(Self(state.services.platform.admit(&caller.principal).await?))
    }
}

impl AnyCaller {
    async fn of(request: &HttpRequest, state: &HttpState) -> Result<Self, Problem> {
        let token = bearer_token(request)?;
        if state.services.api_key_gate.is_key(token) {
            admit_key(request, state, token).await?;
            return Err(Problem::new(ErrorCode::Forbidden).with_detail("API keys may not do this"));
        }
        let principal = state.services.authenticator.by_access_token(token).await?;
        let principal = principal.at(Arc::new(client_of(request)));
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
            scope.set_context(&context);
        }
        throttle::by_caller(request, &context).await?;
        Ok(Self(SignedIn { principal, context }))
    }
}

impl SignedIn {
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

impl Caller {
    async fn of(request: &HttpRequest, state: &HttpState) -> Result<Self, Problem> {
        let token = bearer_token(request)?;
        if !state.services.api_key_gate.is_key(token) {
            let SignedIn { principal, context } = SignedIn::of(request, state).await?;
            return Ok(Self { actor: principal.actor(), user_id: principal.user_id(), context });
        }
        let (bearer, context) = admit_key(request, state, token).await?;
        let wanted = RequestScope::of(request).and_then(|scope| scope.api_scope());
        match wanted {
            Some(wanted) if bearer.scopes().allow(wanted) => {
                Ok(Self { actor: bearer.actor(), user_id: bearer.user_id(), context })
            }
            Some(wanted) => {
                Err(Problem::new(ErrorCode::Forbidden).with_detail(format!("the API key has not the scope {wanted}")))
            }
            None => Err(Problem::new(ErrorCode::Forbidden).with_detail("API keys may not do this")),
        }
    }

    /// Who acts.
    pub(crate) fn actor(&self) -> Actor {
        self.actor.clone()
    }

    /// Who acts, or for whom the API key does.
    pub(crate) fn user_id(&self) -> UserId {
        self.user_id
    }
}

/// What a caller was let in with, to be shown again while an answer lasts.
pub(crate) struct Pass {
    token: SecretString,
    organization_id: OrganizationId,
}

impl Pass {
    /// What the sender of `request` was let in with.
    pub(crate) fn of(request: &HttpRequest, caller: &Caller) -> Result<Self, Problem> {
        Ok(Self { token: bearer_token(request)?.into(), organization_id: caller.context.organization_id() })
    }

    /// The same caller in the same organisation, as they may act now.
    pub(crate) async fn admit(&self, state: &HttpState) -> Result<TenantContext, Problem> {
        let token = self.token.expose_secret();
        if state.services.api_key_gate.is_key(token) {
            return Ok(TenantContext::unlock(&state.services.api_key_gate.admit(token).await?)?);
        }
        let principal = state.services.authenticator.by_access_token(token).await?;
        if principal.organization_id() == self.organization_id {
            return Ok(TenantContext::resume(&principal)?);
        }
        Ok(state.services.entrance.enter(principal.actor(), self.organization_id).await?)
    }
}

/// Finds out whose API key it is, and where it acts. A request that names another organisation finds none.
async fn admit_key(
    request: &HttpRequest,
    state: &HttpState,
    key: &str,
) -> Result<(ApiKeyBearer, TenantContext), Problem> {
    let bearer = state.services.api_key_gate.admit(key).await?.at(Arc::new(client_of(request)));
    let scope = RequestScope::of(request);
    if let Some(scope) = &scope {
        scope.set_user(bearer.user_id());
        scope.check_query(request)?;
    }
    if named_organization(request)?.is_some_and(|named| named != bearer.organization_id()) {
        return Err(Problem::not_found());
    }
    let context = TenantContext::unlock(&bearer)?;
    if let Some(scope) = &scope {
        scope.set_context(&context);
    }
    throttle::by_caller(request, &context).await?;
    Ok((bearer, context))
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

extract!(AnyCaller, SignedIn, Administrator, Caller, Insider, VoluntaryCaller);

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

/// Where a request comes from.
pub(crate) struct Origin(pub(crate) Client);

impl FromRequest for Origin {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Ok(Self(client_of(request))))
    }
}

fn client_of(request: &HttpRequest) -> Client {
    let user_agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
    let scope = RequestScope::of(request);
    Client {
        user_agent: user_agent.map(|text| text.chars().take(USER_AGENT_CHARACTERS).collect()),
        ip_address: scope.as_ref().and_then(RequestScope::address).map(|address| address.to_string()),
        request_id: scope.map(|scope| scope.request_id().to_owned()),
    }
}

/// The state, as handlers take it.
pub(crate) type State = Data<HttpState>;

use serde::Serialize;
use tenantry_sync::objects::PresignedRequest;
use utoipa::ToSchema;

/// A request that may be sent to the object store, without other credentials, until it expires.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PresignedRequest)]
pub(crate) struct RequestView {
    method: String,
    url: String,
    /// The headers that must be sent along, exactly so.
    headers: Vec<HeaderView>,
}

/// A header of a request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PresignedHeader)]
pub(crate) struct HeaderView {
    name: String,
    value: String,
}

impl From<PresignedRequest> for RequestView {
    fn from(request: PresignedRequest) -> Self {
        let headers = request.headers.into_iter().map(|(name, value)| HeaderView { name, value });
        Self { method: request.method, url: request.url, headers: headers.collect() }
    }
}

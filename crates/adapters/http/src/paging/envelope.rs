use actix_web::{HttpRequest, HttpResponse, Responder, body::BoxBody};
use serde::Serialize;
use utoipa::ToSchema;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListEnvelope<V> {
    /// The items.
    pub data: Vec<V>,
    /// How many items this page has.
    pub count: usize,
    /// How many items there are in all; null when the list is read by cursor.
    #[schema(required)]
    pub total: Option<u64>,
    /// The number of this page, from 1; null when the list is read by cursor.
    #[schema(required, minimum = 1)]
    pub page: Option<u64>,
    /// How many items a page has at most.
    #[schema(minimum = 1, maximum = 100)]
    pub limit: u16,
    /// Where the next page starts; null on the last one.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

impl<V: Serialize> Responder for ListEnvelope<V> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok().json(self)
    }
}

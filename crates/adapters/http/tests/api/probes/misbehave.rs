//! Handlers that go wrong.

pub mod panic {
    use actix_web::HttpResponse;

    /// Panics.
    #[utoipa::path(post, path = "/panic/{token}", tag = "service", params(("token" = String, Path)),
        responses((status = 204)))]
    pub async fn handler() -> HttpResponse {
        panic!("the secret of the panic");
    }
}

pub mod sleep {
    use std::time::Duration;

    use actix_web::{HttpResponse, web::Path};

    /// Sleeps for so many milliseconds.
    #[utoipa::path(get, path = "/sleep/{milliseconds}", tag = "service",
        params(("milliseconds" = u64, Path)), responses((status = 204)))]
    pub async fn handler(milliseconds: Path<u64>) -> HttpResponse {
        tokio::time::sleep(Duration::from_millis(*milliseconds)).await;
        HttpResponse::NoContent().finish()
    }
}

pub mod decline {
    use actix_web::HttpResponse;
    use tenantry_http::problem::{ErrorCode, Problem};

    /// Refuses without a look at the body.
    #[utoipa::path(post, path = "/decline", tag = "service", responses((status = 204)))]
    pub async fn handler() -> Result<HttpResponse, Problem> {
        Err(Problem::new(ErrorCode::TokenExpired))
    }
}

pub mod flood {
    use actix_web::HttpResponse;

    /// Answers with more than the buffers of a connection hold.
    #[utoipa::path(get, path = "/flood", tag = "service", responses((status = 200, body = String)))]
    pub async fn handler() -> HttpResponse {
        HttpResponse::Ok().content_type("text/plain").body(vec![b'x'; 64 * 1024 * 1024])
    }
}

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType},
    web::Data,
};
use utoipa_swagger_ui::Config;

use super::ApiDocument;
use crate::{
    fields::PathId,
    operations::{API_PREFIX, Operations},
    problem::Problem,
};

/// What Swagger UI needs: its own scripts and styles, styles set by script, and images in data URLs.
const SWAGGER_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What `ReDoc` needs: the same, and the worker that searches, which it makes from a blob.
const REDOC_POLICY: &str = "default-src 'none'; script-src 'self'; worker-src blob:; \
     style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'";

const SWAGGER_PAGE: &str = "<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\"><title>Tenantry API</title>
<link rel=\"stylesheet\" href=\"/docs/swagger-ui.css\">
<link rel=\"icon\" type=\"image/png\" href=\"/docs/favicon-32x32.png\">
</head>
<body>
<div id=\"swagger-ui\"></div>
<script src=\"/docs/swagger-ui-bundle.js\"></script>
<script src=\"/docs/start.js\"></script>
</body>
</html>
";

const SWAGGER_START: &str = "SwaggerUIBundle({
  url: \"/api/v1/openapi.json\", dom_id: \"#swagger-ui\", deepLinking: true,
  persistAuthorization: false, validatorUrl: null,
});
";

const REDOC_PAGE: &str = "<!DOCTYPE html>
<html lang=\"en\">
<head><meta charset=\"utf-8\"><title>Tenantry API</title></head>
<body>
<redoc spec-url=\"/api/v1/openapi.json\"></redoc>
<script src=\"/redoc/redoc.standalone.js\"></script>
</body>
</html>
";

const REDOC_SCRIPT: &[u8] = include_bytes!("../../assets/redoc.standalone.js");

pub(super) fn operations(operations: &mut Operations) {
    operations.page("/docs", swagger);
    operations.page("/docs/start.js", swagger_start);
    operations.page("/docs/{file}", swagger_file);
    operations.page("/redoc", redoc);
    operations.page("/redoc/redoc.standalone.js", redoc_script);
    operations.page("/openapi.json", document);
    operations.page(&format!("{API_PREFIX}/openapi.json"), document);
}

async fn swagger() -> HttpResponse {
    page(SWAGGER_PAGE, SWAGGER_POLICY)
}

async fn swagger_start() -> HttpResponse {
    file("text/javascript; charset=utf-8", SWAGGER_START.as_bytes())
}

async fn swagger_file(name: PathId<String>) -> Result<HttpResponse, Problem> {
    // The package's own page and settings point at an example; ours are above.
    if matches!(name.0.as_str(), "index.html" | "swagger-initializer.js") {
        return Err(Problem::not_found());
    }
    let found = utoipa_swagger_ui::serve(&name.0, Arc::new(Config::from("")));
    let asset = found.ok().flatten().ok_or_else(Problem::not_found)?;
    Ok(file(&asset.content_type, &asset.bytes))
}

async fn redoc() -> HttpResponse {
    page(REDOC_PAGE, REDOC_POLICY)
}

async fn redoc_script() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/javascript; charset=utf-8")
        .insert_header((CACHE_CONTROL, "public, max-age=3600"))
        .body(REDOC_SCRIPT)
}

async fn document(request: HttpRequest) -> HttpResponse {
    let document = request.app_data::<Data<ApiDocument>>().map(|document| document.0.clone());
    HttpResponse::Ok().content_type(ContentType::json()).body(document.unwrap_or_default())
}

fn page(html: &'static str, policy: &'static str) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::html()).insert_header((CONTENT_SECURITY_POLICY, policy)).body(html)
}

fn file(content_type: &str, bytes: &[u8]) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((CACHE_CONTROL, "public, max-age=3600"))
        .body(bytes.to_vec())
}

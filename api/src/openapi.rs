//! The OpenAPI document: made from the routes, completed with what all of them share, served with a page to browse it.

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn};
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr};
use utoipa_swagger_ui::SwaggerUi;

use crate::error::{FieldError, ProblemDetails};
use crate::semantics;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Tradeyard",
        description = "Marketplace API. Errors are RFC 9457 problems with a stable `code`; lists are paged with `limit` and \
            `after`; times are RFC 3339 in UTC; POSTs that make something take \
            an `Idempotency-Key`, those that move money or make a bid need one; the header `Tradeyard-Org` names the \
            organisation that acts; reads have an `ETag`, changes take it in `If-Match`; the headers `RateLimit-Policy` and \
            `RateLimit` (draft-ietf-httpapi-ratelimit-headers) tell how many requests are left.",
        license(name = "MIT")
    ),
    components(schemas(ProblemDetails, FieldError))
)]
struct Base;

/// The document without routes.
pub(crate) fn base() -> OpenApi {
    <Base as utoipa::OpenApi>::openapi()
}

/// Adds what holds for every route: a bearer token unless the route says otherwise, and problems as answers.
pub(crate) fn complete(mut document: OpenApi) -> OpenApi {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    document.security = Some(vec![SecurityRequirement::new("bearer", [""; 0])]);
    for item in document.paths.paths.values_mut() {
        let operations =
            [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch, &mut item.head];
        for operation in operations.into_iter().flatten() {
            add_problem(operation);
        }
    }
    semantics::describe(&mut document);
    document
}

fn add_problem(operation: &mut Operation) {
    let schema = Ref::from_schema_name("ProblemDetails");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let response =
        ResponseBuilder::new().description("What went wrong").content("application/problem+json", content).build();
    operation.responses.responses.entry("default".to_owned()).or_insert(RefOr::T(response));
}

/// `/openapi.json` and `/docs`; the page's files are compiled in, so it works offline.
pub(crate) fn pages(document: OpenApi) -> Router {
    Router::from(SwaggerUi::new("/docs").url("/openapi.json", document)).layer(from_fn(page_headers))
}

/// The page runs its own scripts only; its library sets styles inline.
async fn page_headers(request: axum::extract::Request, next: Next) -> axum::response::Response {
    let mut response = next.run(request).await;
    let policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                  connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

//! The OpenAPI document: made from the routes, completed with what all of them share, served with a page to browse it.

mod bounds;
mod examples;
mod links;
pub(crate) mod problems;
pub(crate) mod scopes;

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::routing::get;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::app::document;
use crate::error::{FieldError, ProblemDetails};
use crate::{rate, semantics};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Tradeyard",
        description = "Marketplace API. Errors are RFC 9457 problems with a stable `code`; lists are paged with `limit` and \
            `after`; times are RFC 3339 in UTC; POSTs that make something take \
            an `Idempotency-Key`, those that move money or make a bid need one; an organisation's own systems send a key instead of \
            an access token, for the operations that name a scope of it; the header `Tradeyard-Org` names the \
            organisation that acts; reads have an `ETag`, changes take it in `If-Match`; the headers `RateLimit-Policy` and \
            `RateLimit` (draft-ietf-httpapi-ratelimit-headers) say how many requests are left.",
        license(name = "MIT")
    ),
    components(schemas(ProblemDetails, FieldError))
)]
struct Base;

/// The document without routes.
pub(crate) fn base() -> OpenApi {
    <Base as utoipa::OpenApi>::openapi()
}

/// Adds what holds for every route: a bearer token unless the route says otherwise, the scope of keys that are as good, the problems that
/// it answers with, and the operations that go on from its answers.
pub(crate) fn complete(mut document: OpenApi) -> OpenApi {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    semantics::describe(&mut document);
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let key = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("ty_…");
    let key = key.description(Some("A key of an organisation's, which has the scopes that an operation names"));
    components.add_security_scheme("api_key", SecurityScheme::Http(key.build()));
    document.security = Some(vec![SecurityRequirement::new("bearer", [""; 0])]);
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations_mut(item) {
            let name = format!("{method} {path}");
            let scope = scopes::of(method, operation);
            problems::list(&name, operation, scope);
            scopes::say(operation, scope);
            bounds::operation(operation);
            examples::add(&name, operation);
            if !rate::is_free(path) {
                semantics::tell_limits(operation);
            }
        }
    }
    semantics::describe_limits(components);
    components.schemas.iter_mut().for_each(|(name, schema)| bounds::component(name, schema));
    links::add(&mut document.paths, &components.schemas);
    document
}

/// The operations of a path, by method.
fn operations_mut(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let operations = [
        ("GET", &mut item.get),
        ("PUT", &mut item.put),
        ("POST", &mut item.post),
        ("DELETE", &mut item.delete),
        ("PATCH", &mut item.patch),
        ("HEAD", &mut item.head),
    ];
    operations.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// `/openapi.json` and `/docs`; the page's files are compiled in, so it works offline.
pub(crate) fn pages() -> anyhow::Result<Router> {
    let text = text()?;
    let document = || async { ([(header::CONTENT_TYPE, "application/json")], text) };
    let browser = Router::from(SwaggerUi::new("/docs").config(Config::from("/openapi.json")));
    Ok(browser.route("/openapi.json", get(document)).layer(from_fn(page_headers)))
}

/// The document as it is sent. The tree that it is written from takes twenty times as much memory: it is made on a thread of its
/// own, whose memory goes back to the system as a whole.
fn text() -> anyhow::Result<Bytes> {
    let written = std::thread::spawn(|| serde_json::to_vec(&document())).join();
    let written = written.map_err(|_| anyhow::anyhow!("writing the API's description panicked"))?;
    Ok(written.context("write the API's description")?.into())
}

/// The page runs its own scripts only; its library sets styles inline.
async fn page_headers(request: axum::extract::Request, next: Next) -> axum::response::Response {
    let mut response = next.run(request).await;
    let policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                  connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

#[cfg(test)]
mod tests;

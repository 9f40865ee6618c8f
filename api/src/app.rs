//! The router with its OpenAPI document.

use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::{Extension, Router};
use shared::config::Config;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::contract::Contract;
use crate::error::Problem;
use crate::extract::{BodyTimeout, MAX_BODY_BYTES};
use crate::state::AppState;
use crate::{conditional, contract, middleware, openapi, rate, routes};

/// The whole API: routes, fallbacks, and what surrounds every request.
///
/// # Errors
/// The document cannot be written.
pub fn router(state: &AppState) -> anyhow::Result<Router> {
    let (routes, document) = routes();
    let contract = Contract::of(&document);
    drop(document);
    Ok(surround(routes.with_state(state.clone()).merge(openapi::pages()?), state, contract))
}

/// Puts around routes what every request gets.
fn surround(routes: Router, state: &AppState, contract: Contract) -> Router {
    let config = &state.config;
    let https = config.http.public_url.starts_with("https://");
    routes
        .fallback(|| async { Problem::not_found("page") })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(Extension(BodyTimeout(config.http.connections.body)))
        .layer(from_fn(conditional::tag_answers))
        .layer(from_fn_with_state(contract.clone(), contract::hold))
        .layer(from_fn(middleware::time_limit))
        .layer(CatchPanicLayer::custom(middleware::panicked))
        .layer(from_fn_with_state(state.clone(), rate::limit))
        .layer(cors(config))
        .layer(from_fn_with_state(contract, contract::options))
        .layer(from_fn_with_state(https, middleware::security_headers))
        .layer(from_fn(middleware::trace))
}

/// The routes, and what each says of itself.
pub(crate) fn routes() -> (Router<AppState>, OpenApi) {
    OpenApiRouter::with_openapi(openapi::base()).merge(routes::router()).split_for_parts()
}

/// The document that describes every route.
pub(crate) fn document() -> OpenApi {
    openapi::complete(routes().1)
}

fn cors(config: &Config) -> CorsLayer {
    let origins = std::iter::once(&config.http.public_url).chain(&config.http.cors_origins);
    let origins: Vec<HeaderValue> = origins.filter_map(|origin| origin.parse().ok()).collect();
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            HeaderName::from_static("tradeyard-org"),
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("traceparent"),
        ])
        .expose_headers([
            header::ALLOW,
            header::DATE,
            header::ETAG,
            header::LINK,
            header::LOCATION,
            header::RETRY_AFTER,
            header::WWW_AUTHENTICATE,
            HeaderName::from_static("accept-patch"),
            HeaderName::from_static("accept-post"),
            HeaderName::from_static("idempotent-replayed"),
            HeaderName::from_static("ratelimit"),
            HeaderName::from_static("ratelimit-policy"),
            HeaderName::from_static("traceparent"),
        ])
        .max_age(std::time::Duration::from_mins(10))
}

#[cfg(test)]
mod tests;

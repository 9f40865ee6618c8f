//! What surrounds every request: trace, metrics, headers, a time limit, and a net under panics.

use std::any::Any;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use shared::trace::TraceParent;
use tracing::Instrument;

use crate::error::Problem;

/// How long a request may take, its body's arrival included.
const TIME_LIMIT: Duration = Duration::from_secs(30);

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Continues the caller's trace or begins one, and counts and times the request by its route.
pub(crate) async fn trace(request: Request, next: Next) -> Response {
    let trace = request
        .headers()
        .get(&TRACEPARENT)
        .and_then(|value| value.to_str().ok()?.parse::<TraceParent>().ok())
        .map_or_else(TraceParent::generate, TraceParent::child);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let span =
        tracing::info_span!("http.request", trace.id = trace.trace_id_hex(), http.method = %method, http.route = route);
    let started = Instant::now();
    let mut response = trace.scope(next.run(request).instrument(span)).await;
    if let Ok(value) = HeaderValue::try_from(trace.to_string()) {
        response.headers_mut().insert(TRACEPARENT, value);
    }
    // The route's pattern and known methods only: labels must not grow with what clients send.
    let method = match method.as_str() {
        "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" => method.as_str().to_owned(),
        _ => "other".to_owned(),
    };
    let status = response.status().as_u16().to_string();
    metrics::histogram!("tradeyard_http_request_seconds", "method" => method.clone(), "route" => route.clone())
        .record(started.elapsed().as_secs_f64());
    metrics::counter!("tradeyard_http_requests_total", "method" => method, "route" => route, "status" => status)
        .increment(1);
    response
}

/// Nothing may be framed, sniffed, scripted or leaked by a referrer. A page that needs more sets its own policy.
pub(crate) async fn security_headers(State(https): State<bool>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    // Answers belong to one caller: no cache may keep them.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if https {
        let value = HeaderValue::from_static("max-age=63072000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    response
}

/// Ends a request that takes too long, also one whose body trickles in.
pub(crate) async fn time_limit(request: Request, next: Next) -> Response {
    tokio::time::timeout(TIME_LIMIT, next.run(request)).await.unwrap_or_else(|_| {
        Problem::unavailable("timeout", format!("not done within {} s", TIME_LIMIT.as_secs())).into_response()
    })
}

/// A handler's panic is a bug of ours, and only of this request.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands the payload over")]
pub(crate) fn panicked(payload: Box<dyn Any + Send + 'static>) -> Response {
    let message = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    Problem::internal(anyhow::anyhow!("panic: {message}")).into_response()
}

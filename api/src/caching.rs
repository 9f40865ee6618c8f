//! Answers that are the same for everybody, and may be kept by caches that many share. Their tags come from
//! [`crate::conditional`].

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;

use crate::extract::Json;

/// What never changes under its address.
pub(crate) const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// What everybody may see for as long as it is so: kept for a few seconds, then asked for again by its tag.
const SHARED: HeaderValue = HeaderValue::from_static("public, max-age=5");

/// JSON that everybody may see.
pub(crate) fn shared(body: impl Serialize) -> Response {
    ([(header::CACHE_CONTROL, SHARED)], Json(body)).into_response()
}

/// JSON that is written already.
#[derive(Clone, Debug)]
pub(crate) struct Encoded(pub(crate) Bytes);

impl IntoResponse for Encoded {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}

/// [`shared`], of what is written already.
pub(crate) fn shared_encoded(body: Encoded) -> Response {
    ([(header::CACHE_CONTROL, SHARED)], body).into_response()
}

/// Whether `If-None-Match` names the tag. Weak and strong tags are the same there (RFC 9110, 13.1.2).
pub(crate) fn has(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let Ok(tag) = tag.to_str() else { return false };
    let given = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = given.flat_map(|line| line.split(',')).map(str::trim);
    tags.any(|given| given == "*" || given.trim_start_matches("W/") == tag)
}

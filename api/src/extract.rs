//! Requests turned into types, with problems that say what is wrong and where.

use std::time::Duration;

use axum::RequestPartsExt;
use axum::body::{Body, Bytes};
use axum::extract::rejection::{BytesRejection, FailedToBufferBody, FormRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::config::ConnectionLimits;
use shared::strict::Strict;

use crate::error::Problem;

/// The largest body that the API reads, in bytes.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;
/// How long a body may take to arrive. Every request carries it as an extension.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyTimeout(pub(crate) Duration);

/// The deepest nesting of a body; `serde_json`'s own limit of 128 is more than any request needs.
pub const MAX_DEPTH: usize = 32;

/// A JSON body. DTOs carry `#[serde(deny_unknown_fields)]`.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => Problem::internal(error).into_response(),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = json_bytes(request, state).await?;
        parse(&bytes).map(Self)
    }
}

/// Reads the body after its type and size were checked. An empty body needs no type.
pub(crate) async fn json_bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let is_json = is_json(request.headers());
    let bytes = body_bytes(request, state).await?;
    if !is_json && !bytes.is_empty() {
        let detail = "send JSON with Content-Type: application/json";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
    }
    Ok(bytes)
}

/// Reads a body that is not compressed, not too large, and not too slow.
async fn body_bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    unencoded(request.headers())?;
    let limit = request.extensions().get().map_or(ConnectionLimits::DEFAULT.body, |BodyTimeout(limit)| *limit);
    within(limit, Bytes::from_request(request, state)).await?.map_err(|rejection| match rejection {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("a body has at most {MAX_BODY_BYTES} bytes"),
        ),
        _ => Problem::bad_request("body_unreadable", "the body ended early"),
    })
}

/// Refuses a body that is compressed.
fn unencoded(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(header::CONTENT_ENCODING) {
        Some(coding) if !coding.as_bytes().eq_ignore_ascii_case(b"identity") => {
            let detail = "send the body as it is, without Content-Encoding";
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_encoding", detail))
        }
        _ => Ok(()),
    }
}

/// The body as it was sent, JSON or a form, for whoever checks a signature over it.
#[derive(Clone, Debug)]
pub(crate) struct Raw(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let is_form = kind.split(';').next().is_some_and(|kind| kind.trim() == "application/x-www-form-urlencoded");
        let body = if is_form { body_bytes(request, state).await } else { json_bytes(request, state).await };
        body.map(Self)
    }
}

/// The form of a page, as browsers send it.
#[derive(Clone, Copy, Debug)]
pub struct Form<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        let bytes = body_bytes(request, state).await?;
        // PostgreSQL cannot store it.
        if bytes.contains(&0) || bytes.windows(3).any(|part| part == b"%00") {
            return Err(Problem::bad_request("zero_character", "text cannot contain %00"));
        }
        let mut form = Request::post("/").body(Body::from(bytes)).map_err(Problem::internal)?;
        *form.headers_mut() = headers;
        match axum::Form::<T>::from_request(form, state).await {
            Ok(axum::Form(value)) => Ok(Self(value)),
            Err(FormRejection::InvalidFormContentType(_)) => {
                let detail = "send the form with Content-Type: application/x-www-form-urlencoded";
                Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail))
            }
            Err(_) => Err(Problem::bad_request("invalid_body", "the form is not what this page has")),
        }
    }
}

/// The body, unless it takes longer than `limit` to arrive.
async fn within<T>(limit: Duration, body: impl Future<Output = T>) -> Result<T, Problem> {
    tokio::time::timeout(limit, body).await.map_err(|_| {
        let detail = format!("the body did not arrive within {} s", limit.as_secs());
        Problem::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", detail)
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Parses a body. Faults name the place by JSON pointer, line and column.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    check_shape(bytes)?;
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(Strict(&mut json)).map_err(|error| {
        let pointer = pointer(error.path());
        problem(error.inner(), pointer)
    })?;
    json.end().map_err(|error| problem(&error, String::new()))?;
    Ok(value)
}

fn problem(error: &serde_json::Error, pointer: String) -> Problem {
    match error.classify() {
        serde_json::error::Category::Data => {
            Problem::bad_request("invalid_body", "the body is not what this request takes")
                .at(pointer, error.to_string())
        }
        _ => Problem::bad_request("malformed_json", format!("the body is not JSON: {error}")),
    }
}

/// One pass over the bytes: no deeper than [`MAX_DEPTH`], and no escaped zero character, which PostgreSQL cannot store.
fn check_shape(bytes: &[u8]) -> Result<(), Problem> {
    let (mut depth, mut in_text, mut at) = (0_usize, false, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if in_text => {
                if bytes[at..].starts_with(b"\\u0000") {
                    return Err(Problem::bad_request("zero_character", "text cannot contain \\u0000"));
                }
                at += 1;
            }
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                if depth > MAX_DEPTH {
                    let detail = format!("a body nests at most {MAX_DEPTH} deep");
                    return Err(Problem::bad_request("too_deep", detail));
                }
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        let step = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&step);
    }
    pointer
}

/// Parameters of the path.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send + 'static> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        if parts.uri.path().contains("%00") {
            return Err(Problem::bad_request("zero_character", "text cannot contain %00"));
        }
        match parts.extract::<axum::extract::Path<T>>().await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            // An id that cannot be one names nothing, as far as the client is concerned.
            Err(rejection) => Err(Problem::bad_request("invalid_path", rejection.body_text())),
        }
    }
}

/// Parameters of the query.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        if parts.uri.query().is_some_and(|query| query.contains("%00")) {
            return Err(Problem::bad_request("zero_character", "text cannot contain %00"));
        }
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => {
                let text = rejection.body_text();
                let problem = Problem::bad_request("invalid_query", "the query is not what this request takes");
                // "Failed to deserialize query string: limit: invalid digit found in string"
                let text = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
                Err(match text.split_once(": ") {
                    Some((name, detail)) if !name.contains(' ') => problem.parameter(name, detail),
                    _ => problem.parameter("", text),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests;

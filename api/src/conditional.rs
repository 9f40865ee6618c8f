//! Conditional requests (RFC 9110, section 13): reads that answer 304, and changes that answer 412 instead of overwriting what
//! the client has not seen.
//!
//! An entity tag is a hash of the JSON, so every read has one and none is stored. What shows more than people edit (a queue's
//! depth, a schedule's next times) is tagged by what they edit alone; such a tag serves changes, not caches. What differs from one
//! answer to the next by the time of the answer alone has a weak tag, of everything else: it serves caches, not changes.
//!
//! # How to get this wrong
//! - Comparing before the row is locked: two changes at once both find their tag current.
//! - Comparing another representation than the one that is read: no tag fits, or one that should not.
//! - Leaving more out of a weak tag than the time of the answer: a client that asks for news is told that there are none.

use axum::body::Body;
use axum::extract::{FromRequestParts, Request};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, VARY};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, IntoResponseParts, Response, ResponseParts};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use crate::error::{Problem, Result};

/// The version of a representation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EntityTag(String);

impl EntityTag {
    /// The tag of what is sent as this JSON.
    pub(crate) fn of<T: Serialize>(representation: &T) -> Result<Self> {
        Ok(Self::of_bytes(&serde_json::to_vec(representation).map_err(Problem::internal)?))
    }

    fn of_bytes(bytes: &[u8]) -> Self {
        // Half of the hash: nobody gains by a collision with their own change.
        Self(format!("\"{}\"", URL_SAFE_NO_PAD.encode(&Sha256::digest(bytes)[..16])))
    }

    fn value(&self) -> HeaderValue {
        // Base64 between quotes is a header value.
        HeaderValue::try_from(&self.0).unwrap_or(HeaderValue::from_static("\"\""))
    }

    /// Whether a list of tags has this one, or `*` for any. `W/` makes a tag weak, which is as good as another for a read.
    fn is_in(&self, headers: &HeaderMap, name: &HeaderName, weak: bool) -> bool {
        let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
        let mut tags = lines.flat_map(|line| line.split(',')).map(str::trim);
        tags.any(|tag| {
            let strong = if weak { tag.strip_prefix("W/").unwrap_or(tag) } else { tag };
            tag == "*" || strong == self.0
        })
    }
}

/// The version of a representation whose every answer names its own time.
#[derive(Clone, Debug)]
pub(crate) struct WeakTag(EntityTag);

impl WeakTag {
    /// The tag of what is sent as this JSON, beside the time.
    pub(crate) fn of<T: Serialize>(untimed: &T) -> Result<Self> {
        Ok(Self(EntityTag::of(untimed)?))
    }

    /// The tag of an answer that has a weak one.
    fn sent(tag: &HeaderValue) -> Option<Self> {
        let opaque = tag.to_str().ok()?.strip_prefix("W/")?;
        Some(Self(EntityTag(opaque.to_owned())))
    }
}

impl IntoResponseParts for WeakTag {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        let tag = HeaderValue::try_from(format!("W/{}", self.0.0));
        parts.headers_mut().insert(ETAG, tag.unwrap_or(HeaderValue::from_static("W/\"\"")));
        Ok(parts)
    }
}

impl IntoResponseParts for EntityTag {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        parts.headers_mut().insert(ETAG, self.value());
        Ok(parts)
    }
}

/// The version that a change is meant for.
#[derive(Clone, Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct IfMatch {
    /// The `ETag` of the representation that the change was made from. Another one meanwhile: 412 `changed_meanwhile`, and
    /// nothing is changed. Without it the last change wins, field by field.
    #[param(rename = "If-Match", value_type = Option<String>, required = false)]
    sent: HeaderMap,
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let sent = parts.headers.get_all(IF_MATCH).iter().map(|value| (IF_MATCH, value.clone()));
        Ok(Self { sent: sent.collect() })
    }
}

impl IfMatch {
    /// Whether the client asks for a comparison: lock the row then, read it, and call [`IfMatch::check`].
    pub(crate) fn is_sent(&self) -> bool {
        !self.sent.is_empty()
    }

    /// Refuses a change that was made from another version than `current`, which is locked.
    pub(crate) fn check<T: Serialize>(&self, current: &T) -> Result<()> {
        if !self.is_sent() || EntityTag::of(current)?.is_in(&self.sent, &IF_MATCH, false) {
            return Ok(());
        }
        let detail = "somebody has changed it meanwhile; read it again";
        Err(Problem::new(StatusCode::PRECONDITION_FAILED, "changed_meanwhile", detail))
    }
}

/// Tags the JSON that is read or that a change leaves behind; a client that has it already gets 304.
pub(crate) async fn tag_answers(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let conditions: HeaderMap =
        request.headers().get_all(IF_NONE_MATCH).iter().map(|value| (IF_NONE_MATCH, value.clone())).collect();
    let response = next.run(request).await;
    let is_json = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    // The body of an answer to HEAD is dropped further out.
    let read = method == Method::GET || method == Method::HEAD;
    if response.status() != StatusCode::OK || !is_json || !(read || method == Method::PATCH) {
        return response;
    }
    let own = response.headers().get(ETAG).map(WeakTag::sent);
    let (mut parts, mut body) = response.into_parts();
    let tag = match own {
        // A strong tag of its own is for changes.
        Some(None) => return Response::from_parts(parts, body),
        Some(Some(WeakTag(tag))) => tag,
        None => {
            let bytes = match axum::body::to_bytes(body, usize::MAX).await {
                Ok(bytes) => bytes,
                Err(error) => return Problem::internal(error).into_response(),
            };
            let tag = EntityTag::of_bytes(&bytes);
            parts.headers.insert(ETAG, tag.value());
            body = Body::from(bytes);
            tag
        }
    };
    if read {
        // The caller's own client may keep it and ask whether it is still so; caches that others share may not.
        parts.headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
        parts.headers.append(VARY, HeaderValue::from_static("authorization, tradeyard-org"));
        if tag.is_in(&conditions, &IF_NONE_MATCH, true) {
            parts.status = StatusCode::NOT_MODIFIED;
            parts.headers.remove(CONTENT_TYPE);
            parts.headers.remove(CONTENT_LENGTH);
            return Response::from_parts(parts, Body::empty());
        }
    }
    Response::from_parts(parts, body)
}

#[cfg(test)]
mod tests;

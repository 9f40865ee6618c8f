//! What the document says of each operation, held against every request before its handler runs: which methods a path has,
//! which media types an operation sends and takes.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{ACCEPT, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, ORIGIN, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use market::keys::model::Scope;
use utoipa::openapi::path::{Operation as Documented, PathItem};
use utoipa::openapi::{OpenApi, RefOr};

use crate::error::Problem;
use crate::openapi::scopes;

const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

/// The operations of the document. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Contract(Arc<HashMap<String, Resource>>);

/// A path and its methods.
#[derive(Debug)]
struct Resource {
    allow: HeaderValue,
    operations: HashMap<Method, Operation>,
}

#[derive(Debug, Default)]
struct Operation {
    /// The media types of its successes; none: they have no body.
    produces: Vec<String>,
    consumes: Vec<String>,
    scope: Option<Scope>,
    closed: Option<&'static str>,
}

/// The scope that a key needs for the operation that is asked for, or why no key will do. Every request that has a handler carries it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyScope(pub(crate) Result<Scope, &'static str>);

impl Contract {
    pub(crate) fn of(document: &OpenApi) -> Self {
        let paths = document.paths.paths.iter().map(|(path, item)| (path.clone(), Resource::of(item)));
        Self(Arc::new(paths.collect()))
    }

    fn resource(&self, request: &Request) -> Option<&Resource> {
        self.0.get(request.extensions().get::<MatchedPath>()?.as_str())
    }
}

impl Resource {
    fn of(item: &PathItem) -> Self {
        let documented = [
            (Method::GET, &item.get),
            (Method::HEAD, &item.get),
            (Method::POST, &item.post),
            (Method::PUT, &item.put),
            (Method::PATCH, &item.patch),
            (Method::DELETE, &item.delete),
        ];
        let documented: Vec<_> =
            documented.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?))).collect();
        let allow: Vec<_> = documented.iter().map(|(method, _)| method.as_str()).collect();
        // Names of methods are header values.
        let allow = HeaderValue::try_from(allow.join(", ")).unwrap_or(HeaderValue::from_static(""));
        Self {
            allow,
            operations: documented
                .into_iter()
                .map(|(method, it)| (method.clone(), Operation::of(&method, it)))
                .collect(),
        }
    }
}

impl Operation {
    fn of(method: &Method, documented: &Documented) -> Self {
        let successes = documented.responses.responses.iter().filter(|(status, _)| status.starts_with('2'));
        let produces = successes.filter_map(|(_, response)| match response {
            RefOr::T(response) => Some(response.content.keys().cloned()),
            RefOr::Ref(_) => None,
        });
        let consumes = documented.request_body.as_ref().map(|body| body.content.keys().cloned().collect());
        Self {
            produces: produces.flatten().collect(),
            consumes: consumes.unwrap_or_default(),
            scope: scopes::of(method.as_str(), documented),
            closed: scopes::closed(documented),
        }
    }
}

/// `OPTIONS` is for preflights, of paths that exist; the layer inside of this one would answer any.
pub(crate) async fn options(State(contract): State<Contract>, request: Request, next: Next) -> Response {
    if request.method() != Method::OPTIONS {
        return next.run(request).await;
    }
    if request.extensions().get::<MatchedPath>().is_none() {
        return Problem::not_found("page").into_response();
    }
    let headers = request.headers();
    if headers.contains_key(ORIGIN) && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return next.run(request).await;
    }
    let mut response = Problem::method_not_allowed().into_response();
    let pages = HeaderValue::from_static("GET, HEAD");
    response.headers_mut().insert(ALLOW, contract.resource(&request).map_or(pages, |resource| resource.allow.clone()));
    response
}

/// Refuses requests whose answer the client would not take, tells the others what a key needs here, and tells on what was refused what
/// would have been right.
pub(crate) async fn hold(State(contract): State<Contract>, mut request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let operation = contract.resource(&request).and_then(|resource| resource.operations.get(&method));
    let Some(operation) = operation else {
        let allow = contract.resource(&request).map(|resource| resource.allow.clone());
        let mut response = next.run(request).await;
        if let (StatusCode::METHOD_NOT_ALLOWED, Some(allow)) = (response.status(), allow) {
            response.headers_mut().insert(ALLOW, allow);
        }
        return response;
    };
    if !accepts(request.headers(), &operation.produces) {
        let detail = format!("this is sent as {}", operation.produces.join(" or "));
        let mut response = Problem::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", detail).into_response();
        response.headers_mut().append(VARY, HeaderValue::from_static("accept"));
        return response;
    }
    let scope = KeyScope(operation.scope.ok_or(operation.closed.unwrap_or("no key may do this")));
    request.extensions_mut().insert(scope);
    let mut response = next.run(request).await;
    if response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE
        && let Ok(consumes) = HeaderValue::try_from(operation.consumes.join(", "))
    {
        let name = match method {
            Method::POST => ACCEPT_POST,
            Method::PATCH => ACCEPT_PATCH,
            _ => ACCEPT,
        };
        response.headers_mut().insert(name, consumes);
    }
    response
}

/// Whether the request takes one of these media types. Without the header, or without a body to come, it takes anything.
fn accepts(headers: &HeaderMap, produces: &[String]) -> bool {
    let mut lines = headers.get_all(ACCEPT).iter().peekable();
    if lines.peek().is_none() || produces.is_empty() {
        return true;
    }
    // What is not text matches nothing.
    let text: Vec<_> = lines.filter_map(|line| line.to_str().ok()).collect();
    let ranges: Vec<_> = text.iter().flat_map(|line| line.split(',')).filter_map(Range::read).collect();
    produces.iter().any(|media_type| {
        let fits = ranges.iter().filter_map(|range| Some((range.fit(media_type)?, range.wanted)));
        // The closest range decides, whatever the others say.
        fits.max_by_key(|(closeness, _)| *closeness).is_some_and(|(_, wanted)| wanted)
    })
}

/// A part of an `Accept` header.
struct Range<'a> {
    media_type: &'a str,
    /// Its weight is above zero.
    wanted: bool,
}

impl<'a> Range<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let media_type = parts.next().filter(|part| part.contains('/'))?;
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let wanted = weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|weight| weight > 0.0));
        Some(Self { media_type, wanted })
    }

    /// How closely the range names this media type, if it does.
    fn fit(&self, media_type: &str) -> Option<u8> {
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        if self.media_type.eq_ignore_ascii_case(essence) {
            return Some(2);
        }
        let (kind, rest) = self.media_type.split_once('/')?;
        match (kind, rest) {
            ("*", "*") => Some(0),
            (kind, "*") if essence.split('/').next().is_some_and(|it| it.eq_ignore_ascii_case(kind)) => Some(1),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;

//! Every answer that is not a success: RFC 9457 `application/problem+json` with a stable `code` and the request's trace id.
//!
//! What went wrong inside is logged here, once, with that trace id; a 5xx shows nothing of it.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use market::emails::store::EmailError;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use shared::invalid::{Faults, Invalid};
use shared::money::Money;
use shared::trace::TraceParent;
use utoipa::ToSchema;

/// A refusal or a failure, on its way to the client.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Option<Cow<'static, str>>,
    errors: Vec<FieldError>,
    next_minimum: Option<Money>,
    left: Option<Money>,
    mfa_token: Option<SecretString>,
    retry_after: Option<Duration>,
    bad_token: bool,
    cause: Option<anyhow::Error>,
}

/// What is wrong with one part of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// A JSON pointer into the body, such as `/items/0/price`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The name of a path or query parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// The name of a header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    pub detail: String,
}

/// RFC 9457 problem details.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemDetails<'a> {
    /// `urn:tradeyard:problem:` and the code.
    r#type: String,
    /// The status in words.
    title: &'a str,
    status: u16,
    /// What went wrong, for programs; never changes its meaning.
    code: &'a str,
    /// What went wrong, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    /// Names this request in our logs.
    trace_id: Option<String>,
    /// The parts of the request that are wrong.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    /// With `bid_too_low`: what the next bid must offer at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_minimum: Option<Money>,
    /// With `limit_exceeded`: what the limit leaves for this lot, premium included.
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<Money>,
    /// With `mfa_required`: what the second step of the login is sent with, for five minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    mfa_token: Option<&'a str>,
}

impl Problem {
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        let detail = Some(detail.into());
        Self {
            status,
            code,
            detail,
            errors: Vec::new(),
            next_minimum: None,
            left: None,
            mfa_token: None,
            retry_after: None,
            bad_token: false,
            cause: None,
        }
    }

    /// 400: the request cannot be read.
    #[must_use]
    pub fn bad_request(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 401: who are you?
    #[must_use]
    pub fn unauthenticated(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, detail)
    }

    /// 401: the token that was sent is not good.
    #[must_use]
    pub fn bad_token(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { bad_token: true, ..Self::unauthenticated(code, detail) }
    }

    /// 405: not with this method.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "not with this method")
    }

    /// 403: known, but not allowed. For others' objects use [`Problem::not_found`]: that they exist is none of their business.
    #[must_use]
    pub fn forbidden(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// 404: no such thing, or not for you.
    #[must_use]
    pub fn not_found(what: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("no such {what}"))
    }

    /// 409: not in the state that things are in.
    #[must_use]
    pub fn conflict(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 422: readable, but a rule says no.
    #[must_use]
    pub fn unprocessable(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// 429: not so often.
    #[must_use]
    pub fn too_many(code: &'static str, detail: impl Into<Cow<'static, str>>, wait: Duration) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, code, detail).retry_after(wait)
    }

    /// What went wrong, for people, when it is theirs to mend.
    #[must_use]
    pub fn refusal(&self) -> Option<(StatusCode, &str)> {
        Some((self.status, self.detail.as_deref()?)).filter(|(status, _)| status.is_client_error())
    }

    /// 503: not now; nothing has happened.
    #[must_use]
    pub fn unavailable(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(Duration::from_secs(1))
    }

    /// 500: our fault. The cause goes to the log, not to the client.
    #[must_use]
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        let cause = Some(cause.into());
        Self {
            status,
            code: "internal",
            detail: None,
            errors: Vec::new(),
            next_minimum: None,
            left: None,
            mfa_token: None,
            retry_after: None,
            bad_token: false,
            cause,
        }
    }

    /// Says which field of the body is wrong, by JSON pointer.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.errors.push(FieldError { pointer: Some(pointer.into()), detail: detail.into(), ..FieldError::default() });
        self
    }

    /// Says which path or query parameter is wrong.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>, detail: impl Into<String>) -> Self {
        self.errors.push(FieldError { parameter: Some(name.into()), detail: detail.into(), ..FieldError::default() });
        self
    }

    /// What was said of parameters is said of fields of the same name, in the body below `pointer`.
    #[must_use]
    pub fn in_body(mut self, pointer: &str) -> Self {
        for error in &mut self.errors {
            error.pointer = error.parameter.take().map(|name| format!("{pointer}/{name}")).or(error.pointer.take());
        }
        self
    }

    /// What was said of fields is said of fields below `pointer`.
    #[must_use]
    pub fn below(mut self, pointer: &str) -> Self {
        for inner in self.errors.iter_mut().filter_map(|error| error.pointer.as_mut()) {
            // What is wrong with the body as a whole stays so.
            if !inner.is_empty() {
                inner.insert_str(0, pointer);
            }
        }
        self
    }

    /// Says which header is wrong.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, detail: impl Into<String>) -> Self {
        self.errors.push(FieldError { header: Some(name.into()), detail: detail.into(), ..FieldError::default() });
        self
    }

    /// Says what the next bid must offer at least.
    #[must_use]
    pub fn next_minimum(self, minimum: Money) -> Self {
        Self { next_minimum: Some(minimum), ..self }
    }

    /// Says what a limit leaves.
    #[must_use]
    pub fn left(self, left: Money) -> Self {
        Self { left: Some(left), ..self }
    }

    /// Hands over the token for the second step of a login.
    #[must_use]
    pub fn mfa_token(self, token: SecretString) -> Self {
        Self { mfa_token: Some(token), ..self }
    }

    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    #[must_use]
    pub fn with_cause(self, cause: impl Into<anyhow::Error>) -> Self {
        Self { cause: Some(cause.into()), ..self }
    }

    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Whether the database ended the transaction because of another one (a serialisation failure or a deadlock): the whole
    /// transaction can be repeated at once.
    #[must_use]
    pub fn is_transaction_conflict(&self) -> bool {
        let mut causes = self.cause.iter().flat_map(anyhow::Error::chain);
        let states = causes.find_map(|cause| cause.downcast_ref::<sqlx::Error>()?.as_database_error()?.code());
        matches!(states.as_deref(), Some("40001" | "40P01"))
    }

    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let trace_id = TraceParent::current().map(TraceParent::trace_id_hex);
        if self.status.is_server_error() {
            let cause = self.cause.as_ref().map(|cause| format!("{cause:#}"));
            tracing::error!(trace.id = trace_id, http.status = self.status.as_u16(), code = self.code, error = cause);
        }
        let details = ProblemDetails {
            r#type: format!("urn:tradeyard:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Problem"),
            status: self.status.as_u16(),
            code: self.code,
            detail: self.detail.as_deref(),
            trace_id,
            errors: &self.errors,
            next_minimum: self.next_minimum,
            left: self.left,
            mfa_token: self.mfa_token.as_ref().map(ExposeSecret::expose_secret),
        };
        // Strings and numbers always serialise.
        let body = serde_json::to_vec(&details).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(wait) = self.retry_after {
            // Whole seconds, rounded up: who comes back too early is refused again.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 6750: without a token the challenge has no error.
            let challenge = if self.bad_token { "Bearer error=\"invalid_token\"" } else { "Bearer" };
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut => Self::unavailable("busy", "too many requests at once").with_cause(error),
            sqlx::Error::Io(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                Self::unavailable("database_unavailable", "the database does not answer").with_cause(error)
            }
            sqlx::Error::Database(database) => {
                let state = database.code().unwrap_or_default().into_owned();
                match state.as_str() {
                    // Serialisation failure, deadlock, lock or statement time-out: nothing happened, and trying again helps.
                    "40001" | "40P01" | "55P03" | "57014" => {
                        Self::unavailable("contended", "others are changing the same thing").with_cause(error)
                    }
                    // The server shuts down, starts up, or has no disk, memory or connection left.
                    "57P01" | "57P02" | "57P03" | "53100" | "53200" | "53300" => {
                        Self::unavailable("database_unavailable", "the database does not answer").with_cause(error)
                    }
                    // Numbers, times and text that JSON can say and PostgreSQL cannot keep.
                    state if state.starts_with("22") => {
                        Self::unprocessable("out_of_range", "a value is beyond what can be stored").with_cause(error)
                    }
                    _ => Self::internal(error),
                }
            }
            _ => Self::internal(error),
        }
    }
}

/// A value that a constraint of the database refused.
impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        Self::unprocessable("invalid_value", invalid.to_string()).at(invalid.pointer, invalid.message)
    }
}

impl From<Faults> for Problem {
    fn from(faults: Faults) -> Self {
        let problem = Self::unprocessable("invalid_value", faults.to_string());
        faults.iter().fold(problem, |problem, fault| problem.at(&fault.pointer, &fault.message))
    }
}

impl From<queue::EnqueueError> for Problem {
    fn from(error: queue::EnqueueError) -> Self {
        match error {
            queue::EnqueueError::Sql(error) => error.into(),
            queue::EnqueueError::Conflict { kind, existing } => {
                Self::conflict("job_exists", format!("job {existing} ({kind}) already does this"))
            }
            error => Self::internal(error),
        }
    }
}

impl From<jobs::emails::PostError> for Problem {
    fn from(error: jobs::emails::PostError) -> Self {
        match error {
            jobs::emails::PostError::Email(EmailError::Sql(error)) => error.into(),
            jobs::emails::PostError::Enqueue(error) => error.into(),
            error @ jobs::emails::PostError::Email(_) => Self::internal(error),
        }
    }
}

impl From<jobs::emails::MailError> for Problem {
    fn from(error: jobs::emails::MailError) -> Self {
        match error {
            jobs::emails::MailError::Post(error) => error.into(),
            jobs::emails::MailError::Sql(error) => error.into(),
            error @ jobs::emails::MailError::Missing(_) => Self::internal(error),
        }
    }
}

/// What a handler returns.
pub type Result<T, E = Problem> = std::result::Result<T, E>;

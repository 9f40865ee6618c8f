//! Which problems an operation answers with: every status that it can have, and every code that may stand in it.
//!
//! What is an operation's own is said in its annotation: of a response from 400 on, the words in backticks in the description
//! are the codes. What follows from its shape is added here: whoever takes a body can find it malformed, whoever needs a session
//! can find it ended. The tests compare every answer that they get with the document, so neither list can forget a code; and
//! [`tests`] asks that every code in it is one that the code can answer.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use market::keys::model::Scope;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, ContentBuilder, Ref, RefOr, Required, Response, ResponseBuilder};

const PROBLEM: &str = "application/problem+json";

/// What people may do who have not confirmed their address: look after the session.
pub(crate) const WITHOUT_ADDRESS: [&str; 5] = [
    "POST /v1/auth/verify-email/resend",
    "POST /v1/ws/ticket",
    "DELETE /v1/me/sessions",
    "DELETE /v1/me/sessions/{session}",
    "POST /v1/auth/logout",
];

/// Whether an operation asks for a session.
#[derive(Clone, Copy, PartialEq)]
enum Session {
    Needed,
    /// One that is sent must be good.
    Optional,
    No,
}

impl Session {
    fn of(operation: &Operation) -> Self {
        let nobody = SecurityRequirement::default();
        let Some(ways) = &operation.security else { return Self::Needed };
        match (ways.contains(&nobody), ways.iter().any(|way| *way != nobody)) {
            (false, _) => Self::Needed,
            (true, true) => Self::Optional,
            (true, false) => Self::No,
        }
    }
}

/// Lists every problem of the operation that is called so, such as `GET /v1/items`, and that takes keys with this scope.
pub(super) fn list(name: &str, operation: &mut Operation, scope: Option<Scope>) {
    let mut codes: BTreeMap<u16, BTreeSet<String>> = BTreeMap::new();
    for (status, response) in &operation.responses.responses {
        let (Ok(status), RefOr::T(response)) = (status.parse::<u16>(), response) else { continue };
        if status >= 400 {
            codes.entry(status).or_default().extend(quoted(&response.description));
        }
        if status == 404 {
            codes.entry(status).or_default().insert("not_found".to_owned());
        }
    }
    let acts = Session::of(operation) == Session::Needed && !name.starts_with("GET ");
    if acts && !WITHOUT_ADDRESS.contains(&name) {
        codes.entry(403).or_default().insert("email_unverified".to_owned());
    }
    if Session::of(operation) != Session::No {
        codes.entry(401).or_default().insert("key_invalid".to_owned());
        let refusal = if scope.is_some() { "scope_missing" } else { "key_not_allowed" };
        codes.entry(403).or_default().insert(refusal.to_owned());
    }
    for (status, code) in shared(operation) {
        codes.entry(status).or_default().insert(code.to_owned());
    }
    for (status, codes) in codes {
        let response = operation.responses.responses.entry(status.to_string()).or_insert_with(|| {
            let status = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
            RefOr::T(ResponseBuilder::new().description(status.unwrap_or("Problem")).build())
        });
        if let RefOr::T(response) = response {
            add(response, codes);
        }
    }
}

/// The words in backticks.
fn quoted(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split('`').skip(1).step_by(2).map(str::to_owned)
}

fn add(response: &mut Response, codes: BTreeSet<String>) {
    if codes.is_empty() {
        return;
    }
    let code = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes));
    let narrowed = ObjectBuilder::new().schema_type(Type::Object).property("code", code).required("code");
    let schema = AllOfBuilder::new().item(Ref::from_schema_name("ProblemDetails")).item(narrowed);
    let content: Content = ContentBuilder::new().schema(Some(schema)).build();
    response.content.insert(PROBLEM.to_owned(), content);
}

/// What operations of the same shape have in common.
fn shared(operation: &Operation) -> Vec<(u16, &'static str)> {
    let mut shared = vec![(500, "internal"), (503, "timeout")];
    let health = operation.tags.iter().flatten().any(|tag| tag == "health");
    if !health {
        shared.extend([(503, "busy"), (503, "contended"), (503, "database_unavailable")]);
    }
    let session = Session::of(operation);
    if session != Session::No {
        shared.extend([
            (401, "unauthenticated"),
            (401, "token_expired"),
            (401, "token_invalid"),
            (401, "session_ended"),
        ]);
    }
    let parameters = || operation.parameters.iter().flatten();
    let has = |place: &ParameterIn| parameters().any(|parameter| parameter.parameter_in == *place);
    let named = |name: &str| parameters().any(|parameter| parameter.name == name);
    if has(&ParameterIn::Path) {
        shared.extend([(400, "invalid_path"), (400, "zero_character"), (404, "not_found")]);
    }
    if has(&ParameterIn::Query) {
        shared.extend([(400, "invalid_query"), (400, "zero_character"), (422, "out_of_range")]);
    }
    if named("Tradeyard-Org") {
        shared.extend([(400, "org_malformed"), (403, "not_a_member"), (403, "role_too_low")]);
        if session == Session::Needed {
            shared.extend([(400, "org_required"), (403, "no_org")]);
        }
    }
    if named("Idempotency-Key") {
        let required = parameters().any(|it| it.name == "Idempotency-Key" && it.required == Required::True);
        let code = if required { "idempotency_key_required" } else { "idempotency_key_invalid" };
        shared.extend([(400, code), (409, "request_in_flight"), (422, "idempotency_key_reused")]);
    }
    if operation.request_body.is_some() {
        shared.extend([
            (400, "malformed_json"),
            (400, "invalid_body"),
            (400, "zero_character"),
            (400, "too_deep"),
            (400, "body_unreadable"),
            (408, "request_timeout"),
            (413, "body_too_large"),
            (415, "unsupported_media_type"),
            (415, "unsupported_encoding"),
            (422, "out_of_range"),
        ]);
    }
    let successes = operation.responses.responses.iter().filter(|(status, _)| status.starts_with('2'));
    let mut bodies = successes.filter_map(|(_, response)| match response {
        RefOr::T(response) => Some(!response.content.is_empty()),
        RefOr::Ref(_) => None,
    });
    if bodies.any(|has_body| has_body) {
        shared.push((406, "not_acceptable"));
    }
    if operation.responses.responses.contains_key("429") {
        shared.push((429, "rate_limited"));
    }
    shared
}

#[cfg(test)]
mod tests;

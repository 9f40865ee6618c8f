//! Compares what the API answers with what its document says that it answers; every test does so with every answer.

use std::sync::LazyLock;

use reqwest::Method;
use serde_json::Value;

use super::Answer;
use crate::app;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(app::document()).unwrap());

/// The documented operation that a request is for; nothing for pages, and for methods that a path does not have.
fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let paths = DOCUMENT["paths"].as_object()?;
    let fits = |template: &str| {
        let (parts, known) = (path.split('/'), template.split('/'));
        parts.clone().count() == known.clone().count() && parts.zip(known).all(|(a, b)| a == b || b.starts_with('{'))
    };
    // A path without parameters wins over one that would take its last word for an id.
    let found =
        paths.iter().filter(|(template, _)| fits(template)).min_by_key(|(template, _)| template.matches('{').count());
    found?.1.get(method.as_str().to_lowercase())
}

/// Fails when the status, the type, a problem's code or the headers of the rate limit are not in the document.
pub(super) fn check(method: &Method, path: &str, answer: &Answer) {
    let Some(operation) = operation(method, path) else { return };
    let status = answer.status.as_u16();
    let response = &operation["responses"][status.to_string()];
    assert!(response.is_object(), "{method} {path}: {status} is not in the document: {answer:?}");
    for name in ["RateLimit", "RateLimit-Policy"] {
        let (said, sent) = (response["headers"][name].is_object(), answer.headers.contains_key(name));
        assert_eq!(said, sent, "{method} {path}: {status} is documented with {name}, or sent: {answer:?}");
    }
    let content = answer.headers.get("content-type").map_or("", |value| value.to_str().unwrap());
    let kind = content.split(';').next().unwrap();
    let schema = &response["content"][kind];
    assert!(
        schema.is_object() || (kind.is_empty() && response["content"].is_null()),
        "{method} {path}: {status} with {kind:?} is not in the document: {answer:?}"
    );
    if kind == "application/problem+json" {
        let codes = schema["schema"]["allOf"][1]["properties"]["code"]["enum"].as_array().unwrap();
        assert!(
            codes.contains(&answer.body["code"]),
            "{method} {path}: {status} {} is not in the document: {answer:?}",
            answer.code()
        );
    }
}

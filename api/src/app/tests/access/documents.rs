//! Operations on documents of organisations.

use serde_json::{Value, json};

use super::{Member, Moderator, Platform, Who};

/// See [`access`](super::access).
pub(super) fn operations() -> Vec<(&'static str, Who, Value)> {
    let none = || json!({});
    let document = || {
        json!({"kind": "licence", "number": "1", "issued_on": "2024-01-01", "expires_on": "2199-01-01",
            "upload": uuid::Uuid::nil()})
    };
    vec![
        ("POST /v1/orgs/{org}/document-uploads", Member, json!({"content_type": "application/pdf", "size": 5})),
        ("POST /v1/orgs/{org}/documents", Member, document()),
        ("GET /v1/orgs/{org}/documents", Member, none()),
        ("GET /v1/orgs/{org}/documents/{document}", Member, none()),
        ("PUT /v1/orgs/{org}/documents/{document}", Member, document()),
        ("DELETE /v1/orgs/{org}/documents/{document}", Member, none()),
        ("GET /v1/orgs/{org}/documents/{document}/file", Member, none()),
        ("POST /v1/orgs/{org}/documents/{document}/verify", Platform(Moderator), none()),
        ("POST /v1/orgs/{org}/documents/{document}/reject", Platform(Moderator), json!({"reason": "because"})),
        ("GET /v1/admin/org-documents", Platform(Moderator), none()),
    ]
}

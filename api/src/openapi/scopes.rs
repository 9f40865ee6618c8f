//! Which scope a key needs for each operation. It follows from the operation's tag and method: whoever adds an operation under a tag of
//! [`SCOPES`](market::keys::model::SCOPES) opens it to keys, and a new tag stands here or there.

use market::keys::model::Scope;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::SecurityRequirement;

/// What no key may do, by tag, and why.
const CLOSED: [(&str, &str); 15] = [
    ("admin", "for those who look after the platform"),
    ("auth", "sessions are of people"),
    ("conversations", "what is written there is between people"),
    ("exports", "files are for the person who asked for them"),
    ("health", "nobody is asked who they are"),
    ("jobs", "for those who look after the platform"),
    ("keys", "a key that makes keys could not be taken back"),
    ("me", "a person's own"),
    ("orgs", "members and settings are for people"),
    ("pages", "nobody is asked who they are"),
    ("queues", "for those who look after the platform"),
    ("realtime", "sockets are of people; systems are sent webhooks"),
    ("saved searches", "a person's own"),
    ("schedules", "for those who look after the platform"),
    ("webhooks", "where an organisation's news goes, owners decide"),
];

/// The scope that a key needs; `None`: no key will do.
pub(crate) fn of(method: &str, operation: &Operation) -> Option<Scope> {
    let tag = operation.tags.iter().flatten().next()?;
    Scope::of(tag, !matches!(method, "GET" | "HEAD"))
}

/// Why an operation is closed to keys, if it is.
pub(crate) fn closed(operation: &Operation) -> Option<&'static str> {
    let tag = operation.tags.iter().flatten().next()?;
    CLOSED.iter().find(|(closed, _)| closed == tag).map(|(_, why)| *why)
}

/// Says in the document that a key with this scope is as good as a session.
pub(super) fn say(operation: &mut Operation, scope: Option<Scope>) {
    let Some(scope) = scope else { return };
    let session = SecurityRequirement::new("bearer", [""; 0]);
    let ways = operation.security.get_or_insert_with(|| vec![session.clone()]);
    if ways.contains(&session) {
        ways.push(SecurityRequirement::new("api_key", [scope.name()]));
    }
}

#[cfg(test)]
mod tests;

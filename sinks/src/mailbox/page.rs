//! The pages; all text is escaped by the templates.

use std::sync::Arc;

use askama::Template;
use chrono::{DateTime, Utc};

use super::parts::Parts;
use crate::smtp::Message;

pub(super) const STYLE: &str = include_str!("../../templates/style.css");

#[derive(Template)]
#[template(path = "list.html")]
struct List<'a> {
    messages: &'a [Arc<Message>],
    to: &'a str,
    taken: u64,
}

#[derive(Template)]
#[template(path = "message.html")]
struct One<'a> {
    message: &'a Message,
    parts: &'a Parts,
}

pub(super) fn list(messages: &[Arc<Message>], to: &str, taken: u64) -> String {
    render(&List { messages, to, taken })
}

pub(super) fn message(message: &Message, parts: &Parts) -> String {
    render(&One { message, parts })
}

/// Rendering fails only if the text cannot be written, and a string takes any text.
fn render(template: &impl Template) -> String {
    template.render().unwrap_or_default()
}

fn machine_time(time: DateTime<Utc>) -> String {
    time.to_rfc3339()
}

fn human_time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{} KiB", bytes / 1_024),
        _ => format!("{} MiB", bytes / 1_048_576),
    }
}

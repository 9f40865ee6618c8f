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
    q: &'a str,
    to: &'a str,
    taken: u64,
}

#[derive(Template)]
#[template(path = "message.html")]
struct One<'a> {
    message: &'a Message,
    parts: &'a Parts,
    links: Vec<&'a str>,
}

pub(super) fn list(messages: &[Arc<Message>], q: &str, to: &str, taken: u64) -> String {
    render(&List { messages, q, to, taken })
}

pub(super) fn message(message: &Message, parts: &Parts) -> String {
    let text = parts.text.as_deref().unwrap_or_default();
    render(&One { message, parts, links: links(text) })
}

/// The addresses in a text that stand by themselves, as our mails write them.
fn links(text: &str) -> Vec<&str> {
    let words = text.split_whitespace();
    words.filter(|word| ["https://", "http://"].iter().any(|scheme| word.starts_with(scheme))).collect()
}

/// The HTML of a mail whose links open in a page of their own: most pages refuse to be shown in a frame.
pub(super) fn opening_links_beside(html: &str) -> String {
    const BASE: &str = "<base target=\"_blank\">";
    let head = html.find("<head").and_then(|head| html[head..].find('>').map(|end| head + end + 1));
    match head {
        Some(at) => format!("{}{BASE}{}", &html[..at], &html[at..]),
        None => format!("{BASE}{html}"),
    }
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

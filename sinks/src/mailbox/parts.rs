//! The readable parts of a message.

use mail_parser::{MessageParser, MimeHeaders, PartType};
use serde::Serialize;

/// What a person sees of a message, decoded.
#[derive(Debug, Default, Serialize)]
pub(super) struct Parts {
    /// The `From` and `To` headers; the envelope may differ.
    pub(super) header_from: String,
    pub(super) header_to: String,
    pub(super) text: Option<String>,
    pub(super) html: Option<String>,
    pub(super) attachments: Vec<Attachment>,
}

#[derive(Debug, Serialize)]
pub(super) struct Attachment {
    pub(super) name: String,
    pub(super) bytes: usize,
}

impl Parts {
    /// Reads a whole message. What cannot be read is left empty: the raw file still shows it.
    pub(super) fn of(raw: &[u8]) -> Self {
        let Some(message) = MessageParser::new().parse(raw) else {
            return Self::default();
        };
        // The parser offers text made from HTML and HTML made from text; only what was really sent is shown.
        let text = message.text_bodies().find_map(|part| match &part.body {
            PartType::Text(text) => Some(text.to_string()),
            _ => None,
        });
        let html = message.html_bodies().find_map(|part| match &part.body {
            PartType::Html(html) => Some(html.to_string()),
            _ => None,
        });
        let attachments = message.attachments().map(|part| Attachment {
            name: part.attachment_name().unwrap_or("(no name)").to_owned(),
            bytes: part.len(),
        });
        Self {
            header_from: addresses(message.from()),
            header_to: addresses(message.to()),
            text,
            html,
            attachments: attachments.collect(),
        }
    }
}

fn addresses(header: Option<&mail_parser::Address<'_>>) -> String {
    let Some(header) = header else {
        return String::new();
    };
    let shown = header.iter().map(|one| match (one.name(), one.address()) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (name, address) => address.or(name).unwrap_or_default().to_owned(),
    });
    shown.collect::<Vec<_>>().join(", ")
}

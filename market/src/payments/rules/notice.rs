//! What a webhook is about. Nothing else of its body is ever believed: the state is asked of the provider.

use serde::Deserialize;

use crate::payments::{Provider, ProviderRef};

#[cfg(test)]
mod tests;

/// The longest name of an event or of what it is about, in bytes.
pub const MAX_NAME: usize = 200;

/// That something happened at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The provider's name for the event; the same one when it is sent again.
    pub event_id: String,
    pub kind: String,
    /// What to ask the provider about.
    pub subject: ProviderRef,
}

/// Why the body of a webhook cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    #[error("the webhook's body is not what this provider sends: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("{field} of the webhook is empty or longer than {MAX_NAME} bytes")]
    Name { field: &'static str },
    #[error("webhooks of this provider are not taken")]
    Provider,
}

/// Reads the body of a webhook whose signature has been checked.
///
/// # Errors
/// See [`NoticeError`].
pub fn read(provider: Provider, body: &[u8]) -> Result<Notice, NoticeError> {
    let Provider::Simulator = provider else { return Err(NoticeError::Provider) };
    let event: SimulatorEvent = serde_json::from_slice(body)?;
    for (field, name) in [("/id", &event.id), ("/kind", &event.kind), ("/subject", &event.subject)] {
        if !(1..=MAX_NAME).contains(&name.len()) {
            return Err(NoticeError::Name { field });
        }
    }
    Ok(Notice { event_id: event.id, kind: event.kind, subject: ProviderRef(event.subject) })
}

#[derive(Debug, Deserialize)]
struct SimulatorEvent {
    id: String,
    kind: String,
    subject: String,
}

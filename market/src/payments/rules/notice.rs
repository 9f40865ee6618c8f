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
    pub topic: Topic,
    pub subject: ProviderRef,
}

/// What the subject of a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    Payment,
    /// A refund, a transfer or a payout.
    Disbursement,
    Account,
}

/// Why the body of a webhook cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    #[error("the webhook's body is not what this provider sends: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("{field} of the webhook is empty or longer than {MAX_NAME} bytes")]
    Name { field: &'static str },
    /// Nothing to mend: the provider sends more than we use.
    #[error("the webhook {kind} is about something that is not used here")]
    Unused { kind: String },
    #[error("webhooks of this provider are not taken")]
    Provider,
}

/// Reads the body of a webhook whose signature has been checked.
///
/// # Errors
/// See [`NoticeError`].
pub fn read(provider: Provider, body: &[u8]) -> Result<Notice, NoticeError> {
    let notice = match provider {
        Provider::Stripe => stripe(serde_json::from_slice(body)?)?,
        Provider::Simulator => simulator(serde_json::from_slice(body)?)?,
        Provider::Adyen => return Err(NoticeError::Provider),
    };
    let names = [("the event's id", &notice.event_id), ("the kind", &notice.kind), ("the subject", &notice.subject.0)];
    for (field, name) in names {
        if !(1..=MAX_NAME).contains(&name.len()) {
            return Err(NoticeError::Name { field });
        }
    }
    Ok(notice)
}

#[derive(Debug, Deserialize)]
struct SimulatorEvent {
    id: String,
    kind: String,
    subject: String,
}

fn simulator(event: SimulatorEvent) -> Result<Notice, NoticeError> {
    let topic = match event.kind.split_once('.').map(|(topic, _)| topic) {
        Some("payment") => Topic::Payment,
        Some("refund" | "transfer" | "payout") => Topic::Disbursement,
        Some("account") => Topic::Account,
        _ => return Err(NoticeError::Unused { kind: event.kind }),
    };
    Ok(Notice { event_id: event.id, kind: event.kind, topic, subject: ProviderRef(event.subject) })
}

/// An event of Stripe's, with the few of its fields that say what to ask about.
#[derive(Debug, Deserialize)]
struct StripeEvent {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    /// The connected account that it happened to.
    account: Option<String>,
    data: StripeData,
}

#[derive(Debug, Deserialize)]
struct StripeData {
    object: StripeObject,
}

#[derive(Debug, Deserialize)]
struct StripeObject {
    object: String,
    /// Some objects that we do not use have none.
    id: Option<String>,
}

fn stripe(event: StripeEvent) -> Result<Notice, NoticeError> {
    let StripeObject { object, id } = event.data.object;
    let id = id.unwrap_or_default();
    let (topic, subject) = match (object.as_str(), event.account) {
        ("payment_intent", None) => (Topic::Payment, id),
        ("refund" | "transfer", None) => (Topic::Disbursement, id),
        // A payout is asked for at its account. One of our own balance has none, and is not ours to watch.
        ("payout", Some(account)) => (Topic::Disbursement, format!("{account}/{id}")),
        ("account", _) => (Topic::Account, id),
        _ => return Err(NoticeError::Unused { kind: event.kind }),
    };
    Ok(Notice { event_id: event.id, kind: event.kind, topic, subject: ProviderRef(subject) })
}

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
    /// The provider's name for the event; the same one when it is sent again. `None`: it names none, so that nothing tells a
    /// repetition from something new.
    pub event_id: Option<String>,
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
}

/// Reads the body of a webhook that is authentic (see [`super::authenticity`]).
///
/// # Errors
/// See [`NoticeError`].
pub fn read(provider: Provider, body: &[u8]) -> Result<Notice, NoticeError> {
    let notice = match provider {
        Provider::Stripe => stripe(serde_json::from_slice(body)?)?,
        Provider::Mollie => mollie(body)?,
        Provider::Simulator => simulator(serde_json::from_slice(body)?)?,
    };
    let names = [
        ("the event's id", notice.event_id.as_ref()),
        ("the kind", Some(&notice.kind)),
        ("the subject", Some(&notice.subject.0)),
    ];
    for (field, name) in names {
        if name.is_some_and(|name| !(1..=MAX_NAME).contains(&name.len())) {
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
    Ok(Notice { event_id: Some(event.id), kind: event.kind, topic, subject: ProviderRef(event.subject) })
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
    Ok(Notice { event_id: Some(event.id), kind: event.kind, topic, subject: ProviderRef(subject) })
}

/// The kind of a classic webhook of Mollie's, which names none.
const CLASSIC: &str = "classic";

/// The payment that a classic webhook of Mollie's names: a form whose field `id` is the name of a payment. Whoever knows our
/// address can send one, so that it is good for nothing but to ask about that payment.
pub(super) fn classic(body: &[u8]) -> Option<ProviderRef> {
    let form = std::str::from_utf8(body).ok()?;
    let mut ids = form.split('&').filter_map(|field| field.strip_prefix("id="));
    let id = ids.next().filter(|id| id.len() <= MAX_NAME)?;
    let token = id.strip_prefix("tr_")?;
    let is_name = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_name && ids.next().is_none()).then(|| ProviderRef(id.to_owned()))
}

/// A next-gen event of Mollie's, with the few of its fields that say what to ask about.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MollieEvent {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    entity_id: String,
    #[serde(rename = "_embedded")]
    embedded: Option<MollieEmbedded>,
}

#[derive(Debug, Deserialize)]
struct MollieEmbedded {
    entity: Option<MollieEntity>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MollieEntity {
    payment_id: Option<String>,
}

fn mollie(body: &[u8]) -> Result<Notice, NoticeError> {
    if let Some(subject) = classic(body) {
        return Ok(Notice { event_id: None, kind: CLASSIC.to_owned(), topic: Topic::Payment, subject });
    }
    let event: MollieEvent = serde_json::from_slice(body)?;
    let payment = event.embedded.and_then(|embedded| embedded.entity?.payment_id);
    let (topic, subject) = match (event.kind.split_once('.').map(|(topic, _)| topic), payment) {
        (Some("payment"), _) => (Topic::Payment, event.entity_id),
        // A refund is asked for at its payment, which only an event with the whole refund names.
        (Some("refund"), Some(payment)) => (Topic::Disbursement, format!("{payment}/{}", event.entity_id)),
        (Some("connect-balance-transfer"), _) => (Topic::Disbursement, event.entity_id),
        _ => return Err(NoticeError::Unused { kind: event.kind }),
    };
    Ok(Notice { event_id: Some(event.id), kind: event.kind, topic, subject: ProviderRef(subject) })
}

//! What Postmark reports of mails that it has taken, and which addresses must not be written to again for it.
//!
//! The reports are those of <https://postmarkapp.com/developer/webhooks/webhooks-overview>. What is temporary changes nothing: Postmark
//! tries again by itself, and says so when it gives up.

use serde::Deserialize;

use crate::emails::model::SuppressionReason;

/// A report, with what is of use of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Report {
    /// `Bounce`, `SpamComplaint`, `SubscriptionChange`, or what else there is.
    record_type: String,
    /// The kind of bounce, such as `HardBounce` or `Transient`.
    #[serde(rename = "Type")]
    kind: Option<String>,
    /// Whom the mail was for.
    email: Option<String>,
    /// The same, of a changed subscription.
    recipient: Option<String>,
    /// Whether Postmark does not send to the address any more.
    inactive: Option<bool>,
    /// The same, of a changed subscription.
    suppress_sending: Option<bool>,
    /// Why, of a changed subscription: `HardBounce`, `SpamComplaint`, `ManualSuppression`.
    suppression_reason: Option<String>,
    /// What happened, in Postmark's words.
    description: Option<String>,
}

/// An address that must not be written to again.
#[derive(Debug, PartialEq, Eq)]
pub struct Suppression<'a> {
    pub address: &'a str,
    pub reason: SuppressionReason,
    /// In the provider's words.
    pub detail: String,
}

/// The longest address (RFC 5321).
const LONGEST: usize = 254;
/// Bounces after which no mail to the address will ever arrive.
const FOR_GOOD: [&str; 3] = ["HardBounce", "BadEmailAddress", "ManuallyDeactivated"];

/// What follows from a report.
#[must_use]
pub fn suppression(report: &Report) -> Option<Suppression<'_>> {
    use SuppressionReason::{Bounced, Complained, Manual};
    let kind = report.kind.as_deref().unwrap_or_default();
    let (address, reason) = match report.record_type.as_str() {
        "SpamComplaint" => (&report.email, Complained),
        "Bounce" if FOR_GOOD.contains(&kind) || report.inactive == Some(true) => {
            (&report.email, if kind == "SpamComplaint" { Complained } else { Bounced })
        }
        "SubscriptionChange" if report.suppress_sending == Some(true) => {
            let reason = match report.suppression_reason.as_deref() {
                Some("HardBounce") => Bounced,
                Some("SpamComplaint") => Complained,
                _ => Manual,
            };
            (&report.recipient, reason)
        }
        _ => return None,
    };
    let address = address.as_deref().map(str::trim).filter(|it| it.contains('@') && it.len() <= LONGEST)?;
    let words = report.description.as_deref().or(report.suppression_reason.as_deref()).unwrap_or_default();
    let detail = if kind.is_empty() { words.to_owned() } else { format!("{kind}: {words}") };
    Some(Suppression { address, reason, detail })
}

#[cfg(test)]
mod tests;

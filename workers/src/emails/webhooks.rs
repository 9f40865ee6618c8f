//! Letters about webhook endpoints.

use market::emails::model::WebhooksStopped;
use market::webhooks::model::StopReason;

use super::formats::one_line;
use super::letter::{Letter, Place, fact};

pub(super) fn stopped(it: &WebhooksStopped, place: &Place<'_>) -> Letter {
    let (words, name, since) = (place.words, one_line(&it.name), place.time(it.failing_since));
    let (subject, paragraph, note) = match it.reason {
        StopReason::Gone => (
            words.webhooks_disabled_subject(&name),
            words.webhooks_disabled_text(&name),
            words.webhooks_disabled_note(),
        ),
        StopReason::Failing | StopReason::Asked => (
            words.webhooks_paused_subject(&name),
            words.webhooks_paused_text(&name, &since),
            words.webhooks_paused_note(),
        ),
    };
    Letter {
        subject,
        preview: paragraph.clone(),
        heading: words.webhooks_heading().to_owned(),
        paragraphs: vec![paragraph],
        facts: vec![
            fact(words.webhooks_endpoint(), name),
            fact(words.webhooks_address(), one_line(&it.origin)),
            fact(words.webhooks_failing_since(), since),
        ],
        action: Some(place.link(words.webhooks_action(), format_args!("/webhook-endpoints/{}", it.endpoint))),
        note: Some(note.to_owned()),
        reason: words.webhooks_reason().to_owned(),
        ..Letter::default()
    }
}

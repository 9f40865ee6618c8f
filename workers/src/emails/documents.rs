//! Letters about documents that expire.

use market::documents::model::DocumentKind;
use market::emails::model::DocumentExpiring;

use super::formats::one_line;
use super::letter::{Letter, Place, fact};

pub(super) fn expiring(it: &DocumentExpiring, place: &Place<'_>) -> Letter {
    let words = place.words;
    let (org, day) = (one_line(&it.org_name), place.day(it.expires_on));
    let kind = match it.kind {
        DocumentKind::Licence => words.document_licence(),
        DocumentKind::Certificate => words.document_certificate(),
        DocumentKind::Insurance => words.document_insurance(),
        DocumentKind::Permit => words.document_permit(),
        DocumentKind::Other => words.document_other(),
    };
    let (subject, paragraph) = match it.days_left {
        ..0 => (words.document_expired_subject(kind), words.document_expired_text(&org, &day)),
        0 => (words.document_today_subject(kind), words.document_today_text(&org, &day)),
        1 => (words.document_tomorrow_subject(kind), words.document_tomorrow_text(&org, &day)),
        days => {
            let days = place.number(days);
            (words.document_days_subject(kind, &days), words.document_days_text(&org, &day, &days))
        }
    };
    Letter {
        subject,
        preview: paragraph.clone(),
        heading: words.document_heading().to_owned(),
        paragraphs: vec![paragraph],
        facts: vec![
            fact(words.document_kind(), kind.to_owned()),
            fact(words.document_number(), one_line(&it.number)),
            fact(words.document_expires_on(), day),
        ],
        action: Some(place.link(words.document_action(), format_args!("/orgs/{}/documents/{}", it.org, it.document))),
        note: Some(words.document_note().to_owned()),
        reason: words.document_reason(&org),
        ..Letter::default()
    }
}

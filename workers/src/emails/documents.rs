//! Letters about documents that expire.

use market::documents::model::DocumentKind;
use market::emails::model::DocumentExpiring;

use super::formats::one_line;
use super::letter::{Letter, Place, fact};

pub(super) fn expiring(it: &DocumentExpiring, place: &Place<'_>) -> Letter {
    let words = place.words;
    let (org, day) = (one_line(&it.org_name), place.day(it.expires_on));
    let kind = match it.kind {
        DocumentKind::Licence => words.org_document_licence(),
        DocumentKind::Certificate => words.org_document_certificate(),
        DocumentKind::Insurance => words.org_document_insurance(),
        DocumentKind::Permit => words.org_document_permit(),
        DocumentKind::Other => words.org_document_other(),
    };
    let (subject, paragraph) = match it.days_left {
        ..0 => (words.org_document_expired_subject(kind), words.org_document_expired_text(&org, &day)),
        0 => (words.org_document_today_subject(kind), words.org_document_today_text(&org, &day)),
        1 => (words.org_document_tomorrow_subject(kind), words.org_document_tomorrow_text(&org, &day)),
        days => {
            let days = place.number(days);
            (words.org_document_days_subject(kind, &days), words.org_document_days_text(&org, &day, &days))
        }
    };
    Letter {
        subject,
        preview: paragraph.clone(),
        heading: words.org_document_heading().to_owned(),
        paragraphs: vec![paragraph],
        facts: vec![
            fact(words.org_document_kind(), kind.to_owned()),
            fact(words.org_document_number(), one_line(&it.number)),
            fact(words.org_document_expires_on(), day),
        ],
        action: Some(
            place.link(words.org_document_action(), format_args!("/orgs/{}/documents/{}", it.org, it.document)),
        ),
        note: Some(words.org_document_note().to_owned()),
        reason: words.org_document_reason(&org),
        ..Letter::default()
    }
}

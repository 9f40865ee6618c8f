//! Mails about documents that expire.

use market::documents::model::DocumentKind;
use market::emails::model::{Content, DocumentExpiring};

use super::id;

/// One for each number of days for which the words differ.
pub(super) fn mails(org_name: &str) -> impl Iterator<Item = Content> {
    let kinds = [
        (30, DocumentKind::Licence),
        (7, DocumentKind::Certificate),
        (1, DocumentKind::Permit),
        (0, DocumentKind::Insurance),
        (-2, DocumentKind::Other),
    ];
    kinds.into_iter().map(move |(days_left, kind)| {
        Content::DocumentExpiring(DocumentExpiring {
            document: id(14),
            org: id(1),
            org_name: org_name.to_owned(),
            kind,
            number: "HRB 4711\r\n<b>7</b>".to_owned(),
            expires_on: "2026-12-31".parse().unwrap(),
            days_left,
        })
    })
}

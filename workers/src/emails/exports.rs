//! Letters about files that were exported.

use market::emails::model::ExportReady;
use market::exports::model::Kind;

use super::formats::one_line;
use super::letter::{Letter, Place, fact};

pub(super) fn ready(it: &ExportReady, place: &Place<'_>) -> Letter {
    let (words, rows) = (place.words, place.number(it.rows));
    let what = match it.kind {
        Kind::Listings => words.export_listings(),
        Kind::Orders => words.export_orders(),
        Kind::Bids => words.export_bids(),
        Kind::CargoEvents => words.export_cargo_events(),
        Kind::OwnData => words.export_own_data(),
    };
    Letter {
        subject: match &it.org_name {
            Some(org) => words.export_subject_of(what, &one_line(org)),
            None => words.export_subject(what),
        },
        preview: words.report_preview(&rows),
        heading: words.export_heading().to_owned(),
        paragraphs: vec![words.export_text(what)],
        facts: vec![fact(words.report_rows(), rows)],
        action: Some(place.link(words.export_action(), format_args!("/exports/{}", it.export))),
        note: Some(words.export_note().to_owned()),
        reason: words.export_reason().to_owned(),
        ..Letter::default()
    }
}

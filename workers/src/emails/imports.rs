//! Letters about files that were imported.

use market::emails::model::ImportEnded;
use market::imports::model::ImportKind;

use super::letter::{Letter, Place, fact};

pub(super) fn ended(it: &ImportEnded, place: &Place<'_>) -> Letter {
    let (words, counts) = (place.words, it.counts);
    let what = match it.kind {
        ImportKind::Stock => words.import_stock(),
        ImportKind::Listings => words.import_listings(),
        ImportKind::PastSales => words.import_past_sales(),
    };
    let all = place.number((counts.applied + counts.unchanged + counts.incomplete + counts.refused).into());
    let (subject, heading, paragraph) = match (&it.failure, counts.refused) {
        (Some(_), _) => {
            (words.import_failed_subject(what), words.import_failed_heading(), words.import_failed_text().to_owned())
        }
        (None, 0) if it.validate_only => {
            (words.import_tried_subject(what), words.import_tried_heading(), words.import_tried_text(&all))
        }
        (None, refused) if it.validate_only => (
            words.import_faulty_subject(what),
            words.import_faulty_heading(),
            words.import_faulty_text(&place.number(refused.into()), &all),
        ),
        (None, 0) => (words.import_done_subject(what), words.import_done_heading(), words.import_done_text(&all)),
        (None, refused) => (
            words.import_part_subject(what),
            words.import_part_heading(),
            words.import_part_text(&place.number(refused.into()), &all),
        ),
    };
    let applied = if it.validate_only { words.import_applicable() } else { words.import_applied() };
    let mut facts = vec![fact(applied, place.number(counts.applied.into()))];
    for (label, count) in [
        (words.import_unchanged(), counts.unchanged),
        (words.import_incomplete(), counts.incomplete),
        (words.import_refused(), counts.refused),
    ] {
        if count > 0 {
            facts.push(fact(label, place.number(count.into())));
        }
    }
    Letter {
        subject,
        preview: paragraph.clone(),
        heading: heading.to_owned(),
        paragraphs: vec![paragraph],
        quote: it.failure.clone(),
        facts,
        action: Some(place.link(words.import_action(), format_args!("/imports/{}", it.import))),
        reason: words.import_reason().to_owned(),
        ..Letter::default()
    }
}

//! Letters about files that were imported.

use market::emails::model::ImportEnded;
use market::imports::model::ImportKind;

use super::letter::{Letter, Place, fact};

pub(super) fn ended(it: &ImportEnded, place: &Place<'_>) -> Letter {
    let counts = it.counts;
    let what = match it.kind {
        ImportKind::Stock => "stock",
        ImportKind::Listings => "listings",
    };
    let all = counts.applied + counts.unchanged + counts.incomplete + counts.refused;
    let (subject, heading, paragraph) = match (&it.failure, counts.refused) {
        (Some(why), _) => ("The import failed", "Your file could not be applied", why.clone()),
        (None, 0) => ("Imported", "Your file is applied", format!("All {all} rows of your file are applied.")),
        (None, refused) => (
            "Imported in part",
            "Some rows were refused",
            format!("{refused} of {all} rows were refused; each is listed with its line, column and reason."),
        ),
    };
    let mut facts = vec![fact("Applied", counts.applied.to_string())];
    for (name, count) in
        [("Unchanged", counts.unchanged), ("Incomplete drafts", counts.incomplete), ("Refused", counts.refused)]
    {
        if count > 0 {
            facts.push(fact(name, count.to_string()));
        }
    }
    Letter {
        subject: format!("{subject}: {what}"),
        preview: paragraph.clone(),
        heading: heading.to_owned(),
        paragraphs: vec![paragraph],
        quote: None,
        facts,
        action: Some(place.link("Open the import", format_args!("/imports/{}", it.import))),
        note: None,
        reason: "You are receiving this email because you sent this file.".to_owned(),
    }
}

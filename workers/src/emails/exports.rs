//! Letters about files that were exported.

use market::emails::model::ExportReady;

use super::letter::{Letter, Place, fact};
use super::wording::one_line;

pub(super) fn ready(it: &ExportReady, place: &Place<'_>) -> Letter {
    let title = it.kind.title();
    let whose = it.org_name.as_deref().map(|name| format!(": {}", one_line(name))).unwrap_or_default();
    Letter {
        subject: format!("Export of {title} is ready{whose}"),
        preview: format!("{} rows. The download is ready.", it.rows),
        heading: "Your export is ready".to_owned(),
        paragraphs: vec![format!("The export of {title} that you asked for can be downloaded now.")],
        quote: None,
        facts: vec![fact("Rows", it.rows.to_string())],
        action: Some(place.link("Open the export", format_args!("/exports/{}", it.export))),
        note: Some("You need to be logged in to download it.".to_owned()),
        reason: "You are receiving this email because you asked for this export.".to_owned(),
    }
}

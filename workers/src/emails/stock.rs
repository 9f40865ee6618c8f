//! Letters about stock that has become low, or has recovered.

use market::emails::model::{StockLow, StockRecovered};

use super::letter::{Fact, Letter, Place, fact};
use super::wording::one_line;

const REASON: &str = "You are receiving this email because you trade for the organisation that keeps this.";

pub(super) fn low(it: &StockLow, place: &Place<'_>) -> Letter {
    let (title, site) = (one_line(&it.title), one_line(&it.site_name));
    Letter {
        subject: format!("Running low: {title}"),
        preview: format!("{} on hand at {site}.", it.on_hand),
        heading: "Your stock is running low".to_owned(),
        paragraphs: vec![format!("There is little left of {title} at {site}.")],
        quote: None,
        facts: facts(it.on_hand, it.low_at),
        action: Some(place.link("Open the stock", format_args!("/items/{}/stock/{}", it.item, it.site))),
        note: Some("We write again when it has recovered.".to_owned()),
        reason: REASON.to_owned(),
    }
}

pub(super) fn recovered(it: &StockRecovered, place: &Place<'_>) -> Letter {
    let (title, site) = (one_line(&it.title), one_line(&it.site_name));
    Letter {
        subject: format!("No longer low: {title}"),
        preview: format!("{} on hand at {site}.", it.on_hand),
        heading: "Your stock has recovered".to_owned(),
        paragraphs: vec![format!("There is enough of {title} at {site} again.")],
        quote: None,
        facts: facts(it.on_hand, it.low_at),
        action: Some(place.link("Open the stock", format_args!("/items/{}/stock/{}", it.item, it.site))),
        note: None,
        reason: REASON.to_owned(),
    }
}

fn facts(on_hand: i64, low_at: Option<i64>) -> Vec<Fact> {
    let mut facts = vec![fact("On hand", on_hand.to_string())];
    facts.extend(low_at.map(|low_at| fact("Low at", low_at.to_string())));
    facts
}

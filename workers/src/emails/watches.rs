//! Letters about listings that people watch, and about what their saved searches have found.

use market::emails::model::{FoundListing, PriceFell, Relisted, SavedSearchDigest};

use super::letter::{Letter, Place, fact};
use super::wording::{money, one_line};

const REASON: &str = "You are receiving this email because you watch this listing.";

pub(super) fn price_fell(it: &PriceFell, place: &Place<'_>) -> Letter {
    let title = one_line(&it.title);
    Letter {
        subject: format!("Now {}: {title}", money(it.now)),
        preview: format!("It was {}.", money(it.was)),
        heading: "The price has fallen".to_owned(),
        paragraphs: vec![format!("“{title}”, which you watch, costs less now.")],
        quote: None,
        facts: vec![fact("Price now", money(it.now)), fact("Price before", money(it.was))],
        action: Some(place.link("Open the listing", format_args!("/listings/{}", it.listing))),
        note: None,
        reason: REASON.to_owned(),
    }
}

pub(super) fn relisted(it: &Relisted, place: &Place<'_>) -> Letter {
    let title = one_line(&it.title);
    Letter {
        subject: format!("On offer again: {title}"),
        preview: "What you watched is listed again.".to_owned(),
        heading: "It is on offer again".to_owned(),
        paragraphs: vec![format!("“{title}”, which you watched, is listed again. You watch the new listing now.")],
        quote: None,
        facts: it.price.map(|price| fact("Price", money(price))).into_iter().collect(),
        action: Some(place.link("Open the listing", format_args!("/listings/{}", it.listing))),
        note: None,
        reason: REASON.to_owned(),
    }
}

pub(super) fn digest(it: &SavedSearchDigest, place: &Place<'_>) -> Letter {
    let name = one_line(&it.name);
    let count = it.found.len() + it.more;
    let (new, preview) = match (count, it.found.first()) {
        (1, Some(only)) => ("1 new match".to_owned(), line(only)),
        _ => (format!("{count} new matches"), format!("{count} listings that you have not seen yet.")),
    };
    let mut paragraphs = vec![format!("Your search “{name}” has found:")];
    paragraphs.extend(it.found.iter().map(line));
    if it.more > 0 {
        paragraphs.push(format!("And {} more.", it.more));
    }
    let first = it.found.first();
    Letter {
        subject: format!("{new}: {name}"),
        preview,
        heading: new,
        paragraphs,
        quote: None,
        facts: vec![],
        action: first.map(|first| place.link("Open the newest", format_args!("/listings/{}", first.listing))),
        note: Some("We write at most once a day about each search.".to_owned()),
        reason: "You are receiving this email because you have saved this search and asked for alerts.".to_owned(),
    }
}

/// `Fendt 313, 25,000.00 EUR`
fn line(one: &FoundListing) -> String {
    let title = one_line(&one.title);
    match one.price {
        Some(price) => format!("{title}, {}", money(price)),
        None => title,
    }
}

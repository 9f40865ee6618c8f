//! Letters about listings that people watch, and about what their saved searches have found.

use market::emails::model::{FoundListing, PriceFell, Relisted, SavedSearchDigest};

use super::formats::one_line;
use super::letter::{Letter, Place, fact};

pub(super) fn price_fell(it: &PriceFell, place: &Place<'_>) -> Letter {
    let (words, title) = (place.words, one_line(&it.title));
    let (now, was) = (place.money(it.now), place.money(it.was));
    Letter {
        subject: words.price_fell_subject(&now, &title),
        preview: words.price_fell_preview(&was),
        heading: words.price_fell_heading().to_owned(),
        paragraphs: vec![words.price_fell_text(&title)],
        figure: Some(fact(words.price_now(), now)),
        facts: vec![fact(words.price_before(), was)],
        action: Some(place.link(words.open_listing(), format_args!("/listings/{}", it.listing))),
        reason: words.because_watches().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn relisted(it: &Relisted, place: &Place<'_>) -> Letter {
    let (words, title) = (place.words, one_line(&it.title));
    Letter {
        subject: words.relisted_subject(&title),
        preview: words.relisted_preview().to_owned(),
        heading: words.relisted_heading().to_owned(),
        paragraphs: vec![words.relisted_text(&title)],
        figure: it.price.map(|price| fact(words.price(), place.money(price))),
        action: Some(place.link(words.open_listing(), format_args!("/listings/{}", it.listing))),
        reason: words.because_watches().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn digest(it: &SavedSearchDigest, place: &Place<'_>) -> Letter {
    let (words, name) = (place.words, one_line(&it.name));
    let count = it.found.len() + it.more;
    let (new, preview) = match (count, it.found.first()) {
        (1, Some(only)) => (words.digest_one().to_owned(), line(only, place)),
        _ => (words.digest_several(&place.count(count)), words.digest_preview(&place.count(count))),
    };
    let mut paragraphs = vec![words.digest_text(&name)];
    paragraphs.extend(it.found.iter().map(|one| line(one, place)));
    if it.more > 0 {
        paragraphs.push(words.digest_more(&place.count(it.more)));
    }
    let newest = it.found.first();
    Letter {
        subject: words.digest_subject(&new, &name),
        preview,
        heading: new,
        paragraphs,
        action: newest.map(|one| place.link(words.digest_action(), format_args!("/listings/{}", one.listing))),
        note: Some(words.digest_note().to_owned()),
        reason: words.digest_reason().to_owned(),
        ..Letter::default()
    }
}

/// `Fendt 313, 25,000.00 EUR`
fn line(one: &FoundListing, place: &Place<'_>) -> String {
    let title = one_line(&one.title);
    match one.price {
        Some(price) => format!("{title}, {}", place.money(price)),
        None => title,
    }
}

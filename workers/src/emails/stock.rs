//! Letters about stock that has become low, or has recovered.

use market::emails::model::{StockLow, StockRecovered};

use super::formats::one_line;
use super::letter::{Fact, Letter, Place, fact};

pub(super) fn low(it: &StockLow, place: &Place<'_>) -> Letter {
    let (words, title, site) = (place.words, one_line(&it.title), one_line(&it.site_name));
    Letter {
        subject: words.stock_low_subject(&title),
        preview: words.stock_preview(&place.number(it.on_hand), &site),
        heading: words.stock_low_heading().to_owned(),
        paragraphs: vec![words.stock_low_text(&title, &site)],
        figure: Some(fact(words.stock_on_hand(), place.number(it.on_hand))),
        facts: low_at(it.low_at, place),
        action: Some(place.link(words.stock_action(), format_args!("/items/{}/stock/{}", it.item, it.site))),
        note: Some(words.stock_low_note().to_owned()),
        reason: words.because_keeps().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn recovered(it: &StockRecovered, place: &Place<'_>) -> Letter {
    let (words, title, site) = (place.words, one_line(&it.title), one_line(&it.site_name));
    Letter {
        subject: words.stock_recovered_subject(&title),
        preview: words.stock_preview(&place.number(it.on_hand), &site),
        heading: words.stock_recovered_heading().to_owned(),
        paragraphs: vec![words.stock_recovered_text(&title, &site)],
        figure: Some(fact(words.stock_on_hand(), place.number(it.on_hand))),
        facts: low_at(it.low_at, place),
        action: Some(place.link(words.stock_action(), format_args!("/items/{}/stock/{}", it.item, it.site))),
        reason: words.because_keeps().to_owned(),
        ..Letter::default()
    }
}

fn low_at(low_at: Option<i64>, place: &Place<'_>) -> Vec<Fact> {
    low_at.map(|low_at| fact(place.words.stock_low_at(), place.number(low_at))).into_iter().collect()
}

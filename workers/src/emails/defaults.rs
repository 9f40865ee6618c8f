//! Letters about what was not paid: lots that were won, and trades.

use chrono::{DateTime, Utc};
use market::emails::model::{AwardDefaulted, OrderWrittenOff, SecondChanceLapsed, SecondChanceOffered};
use market::orders::model::Side;

use super::formats::one_line;
use super::letter::{Letter, Place, fact};

pub(super) fn defaulted(it: &AwardDefaulted, place: &Place<'_>) -> Letter {
    let (words, title) = (place.words, one_line(&it.title));
    let first = match it.side {
        Side::Buyer => words.default_buyer(&title),
        Side::Seller => words.default_seller(&title),
    };
    let next = match (it.side, it.offered_until) {
        (Side::Buyer, _) => limits(place, it.barred_until, it.most_auctions),
        (Side::Seller, Some(until)) => Some(words.default_next(&place.time(until))),
        (Side::Seller, None) => Some(words.list_again().to_owned()),
    };
    Letter {
        subject: words.default_subject(&title),
        preview: first.clone(),
        heading: words.default_heading().to_owned(),
        paragraphs: std::iter::once(first).chain(next).collect(),
        facts: vec![fact(words.amount(), place.money(it.amount)), place.order_fact(it.order)],
        action: Some(place.auction(it.auction)),
        note: (it.side == Side::Buyer).then(|| words.default_appeal().to_owned()),
        reason: place.because(it.side),
        ..Letter::default()
    }
}

/// What follows for a buyer from more than one strike.
fn limits(place: &Place<'_>, barred_until: Option<DateTime<Utc>>, most_auctions: Option<i64>) -> Option<String> {
    match (barred_until, most_auctions) {
        (Some(until), _) => Some(place.words.default_barred(&place.time(until))),
        (None, Some(most)) => Some(place.words.default_limited(&place.number(most))),
        (None, None) => None,
    }
}

pub(super) fn written_off(it: &OrderWrittenOff, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    let (first, next) = match it.side {
        Side::Buyer => (words.written_off_buyer(&goods), limits(place, it.barred_until, it.most_auctions)),
        Side::Seller => (words.written_off_seller(&goods), Some(words.written_off_stock().to_owned())),
    };
    Letter {
        subject: words.written_off_subject(&goods),
        preview: first.clone(),
        heading: words.written_off_heading().to_owned(),
        paragraphs: std::iter::once(first).chain(next).collect(),
        quote: Some(it.reason.clone()),
        facts: vec![
            fact(words.amount(), place.money(it.payable)),
            place.other(it.side, &it.other),
            place.order_fact(it.order),
        ],
        action: Some(place.order(it.order)),
        note: (it.side == Side::Buyer).then(|| words.default_appeal().to_owned()),
        reason: place.because(it.side),
        ..Letter::default()
    }
}

pub(super) fn offered(it: &SecondChanceOffered, place: &Place<'_>) -> Letter {
    let (words, title, until) = (place.words, one_line(&it.title), place.time(it.until));
    Letter {
        subject: words.chance_subject(&title),
        preview: words.chance_preview(&until),
        heading: words.chance_heading().to_owned(),
        paragraphs: vec![words.chance_text(&title)],
        figure: Some(fact(words.chance_your_bid(), place.money(it.amount))),
        facts: vec![fact(words.quantity(), place.number(it.quantity)), fact(words.answer_by(), until)],
        action: Some(place.auction(it.auction)),
        reason: words.because_bidder().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn lapsed(it: &SecondChanceLapsed, place: &Place<'_>) -> Letter {
    let (words, title) = (place.words, one_line(&it.title));
    let next = match it.offered_until {
        Some(until) => words.lapsed_next(&place.time(until)),
        None => words.list_again().to_owned(),
    };
    Letter {
        subject: words.lapsed_subject(&title),
        preview: next.clone(),
        heading: words.lapsed_heading().to_owned(),
        paragraphs: vec![words.lapsed_text(&title), next],
        action: Some(place.auction(it.auction)),
        reason: words.because_seller().to_owned(),
        ..Letter::default()
    }
}

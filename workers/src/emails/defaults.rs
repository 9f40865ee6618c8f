//! Letters about lots that were won and not paid.

use market::emails::model::{AwardDefaulted, SecondChanceLapsed, SecondChanceOffered};
use market::orders::model::Side;

use super::formats::one_line;
use super::letter::{Letter, Place, fact};

pub(super) fn defaulted(it: &AwardDefaulted, place: &Place<'_>) -> Letter {
    let (words, title) = (place.words, one_line(&it.title));
    let first = match it.side {
        Side::Buyer => words.default_buyer(&title),
        Side::Seller => words.default_seller(&title),
    };
    let next = match (it.side, it.barred_until, it.most_auctions) {
        (Side::Buyer, Some(until), _) => Some(words.default_barred(&place.time(until))),
        (Side::Buyer, None, Some(most)) => Some(words.default_limited(&place.number(most))),
        (Side::Buyer, None, None) => None,
        (Side::Seller, ..) => Some(match it.offered_until {
            Some(until) => words.default_next(&place.time(until)),
            None => words.list_again().to_owned(),
        }),
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

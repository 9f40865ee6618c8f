//! Letters about returns.

use market::emails::model::ReturnNews;
use market::orders::model::Side;
use market::returns::model::ReturnReason;
use shared::money::Money;

use super::formats::one_line;
use super::letter::{Fact, Letter, Place, fact};

fn why(reason: ReturnReason, place: &Place<'_>) -> &'static str {
    match reason {
        ReturnReason::NotNeeded => place.words.return_not_needed(),
        ReturnReason::NotAsDescribed => place.words.return_not_as_described(),
        ReturnReason::Damaged => place.words.return_damaged(),
        ReturnReason::WrongItem => place.words.return_wrong_item(),
        ReturnReason::Other => place.words.return_other(),
    }
}

/// A letter with what all of them say.
fn letter(
    it: &ReturnNews,
    place: &Place<'_>,
    subject: String,
    heading: &str,
    paragraph: String,
    more: Vec<Fact>,
) -> Letter {
    let words = place.words;
    let units = fact(words.return_units(), place.number(it.units));
    let mut facts = vec![units, fact(words.reason(), why(it.reason, place).to_owned())];
    facts.extend(more);
    facts.extend([place.other(it.side, &it.other), place.order_fact(it.order)]);
    Letter {
        subject,
        preview: paragraph.clone(),
        heading: heading.to_owned(),
        paragraphs: vec![paragraph],
        quote: it.words.clone(),
        facts,
        action: Some(place.order(it.order)),
        reason: place.because(it.side),
        ..Letter::default()
    }
}

fn due(it: &ReturnNews, place: &Place<'_>, label: &'static str) -> Vec<Fact> {
    it.due_at.map(|at| fact(label, place.time(at))).into_iter().collect()
}

pub(super) fn requested(it: &ReturnNews, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    let (subject, heading) = (words.return_requested_subject(&goods), words.return_requested_heading());
    letter(it, place, subject, heading, words.return_requested_text(&goods), due(it, place, words.answer_by()))
}

pub(super) fn approved(it: &ReturnNews, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    let (subject, heading) = (words.return_approved_subject(&goods), words.return_approved_heading());
    letter(it, place, subject, heading, words.return_approved_text(&goods), due(it, place, words.return_send_by()))
}

pub(super) fn refused(it: &ReturnNews, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    let (subject, heading) = (words.return_refused_subject(&goods), words.return_refused_heading());
    letter(it, place, subject, heading, words.return_refused_text(&goods), Vec::new())
}

pub(super) fn sent(it: &ReturnNews, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    let (subject, heading) = (words.return_sent_subject(&goods), words.return_sent_heading());
    let tracking = it.tracking.iter().map(|text| fact(words.return_sent_with(), one_line(text)));
    let facts = tracking.chain(due(it, place, words.return_confirm_by())).collect();
    letter(it, place, subject, heading, words.return_sent_text(&goods), facts)
}

pub(super) fn received(it: &ReturnNews, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    let arrived = match (it.side, it.by_time) {
        (Side::Buyer, false) => words.return_received_buyer(&goods),
        (_, true) => words.return_counted(&goods),
        (Side::Seller, false) => words.return_received_seller(&goods),
    };
    let is_rest = |share: Option<i64>, back: i64| share.is_some_and(|share| back < share);
    let back = match it.refunded {
        None => words.return_nothing_back().to_owned(),
        Some(back) => {
            let rest = is_rest(it.share.map(Money::minor), back.minor());
            let amount = place.money(back);
            match (it.side, rest) {
                (Side::Buyer, true) => words.return_rest_to_buyer(&amount),
                (Side::Buyer, false) => words.return_back_to_buyer(&amount),
                (Side::Seller, true) => words.return_rest_to_seller(&amount),
                (Side::Seller, false) => words.return_back_to_seller(&amount),
            }
        }
    };
    let mut facts: Vec<Fact> =
        it.share.map(|share| fact(words.return_cost(), place.money(share))).into_iter().collect();
    facts.extend(it.refunded.map(|refunded| fact(words.refunded(), place.money(refunded))));
    let heading = if it.by_time { words.return_counted_heading() } else { words.return_received_heading() };
    letter(it, place, words.return_received_subject(&goods), heading, format!("{arrived} {back}"), facts)
}

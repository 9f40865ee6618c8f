//! Letters about orders.

use market::emails::model::{DaysHired, OrderEnded, OrderPlaced, PaymentReminder};
use market::orders::model::Side;

use super::letter::{Letter, Place, fact};

pub(super) fn placed(it: &OrderPlaced, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    let (by, amount) = (place.time(it.pay_by), place.money(it.payable));
    let (subject, preview, heading, paragraph, label) = match it.side {
        Side::Buyer => (
            words.placed_subject_buyer(&goods),
            words.pay_amount_by(&amount, &by),
            words.placed_heading_buyer(),
            words.placed_buyer(&goods),
            words.to_pay(),
        ),
        Side::Seller => (
            words.placed_subject_seller(&goods),
            words.placed_preview_seller(&by),
            words.placed_heading_seller(),
            words.placed_seller(&goods),
            words.the_buyer_pays(),
        ),
    };
    Letter {
        subject,
        preview,
        heading: heading.to_owned(),
        paragraphs: vec![paragraph],
        figure: Some(fact(label, amount)),
        facts: vec![fact(words.pay_by(), by), place.other(it.side, &it.other), place.order_fact(it.order)],
        action: Some(place.order(it.order)),
        reason: place.because(it.side),
        ..Letter::default()
    }
}

pub(super) fn expired(it: &OrderEnded, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    let paragraph = match it.side {
        Side::Buyer => words.expired_buyer(&goods),
        Side::Seller => words.expired_seller(&goods),
    };
    ended(it, place, words.expired_subject(&goods), words.expired_heading(), paragraph)
}

pub(super) fn cancelled(it: &OrderEnded, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    let paragraph = match it.side {
        Side::Buyer => words.cancelled_buyer(&goods),
        Side::Seller => words.cancelled_seller(&goods),
    };
    ended(it, place, words.cancelled_subject(&goods), words.cancelled_heading(), paragraph)
}

fn ended(it: &OrderEnded, place: &Place<'_>, subject: String, heading: &str, paragraph: String) -> Letter {
    Letter {
        subject,
        preview: paragraph.clone(),
        heading: heading.to_owned(),
        paragraphs: vec![paragraph],
        facts: vec![
            fact(place.words.amount(), place.money(it.payable)),
            place.other(it.side, &it.other),
            place.order_fact(it.order),
        ],
        action: Some(place.order(it.order)),
        reason: place.because(it.side),
        ..Letter::default()
    }
}

pub(super) fn hired(it: &DaysHired, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, 0));
    let (subject, heading, paragraph) = match (it.days.is_empty(), it.side) {
        (false, Side::Buyer) => {
            (words.days_hired_subject(&goods), words.days_hired_heading(), words.days_hired_buyer(&goods))
        }
        (false, Side::Seller) => {
            (words.days_hired_subject(&goods), words.days_hired_heading(), words.days_hired_seller(&goods))
        }
        (true, Side::Buyer) => {
            (words.days_given_up_subject(&goods), words.days_given_up_heading(), words.days_given_up_buyer(&goods))
        }
        (true, Side::Seller) => {
            (words.days_given_up_subject(&goods), words.days_given_up_heading(), words.days_given_up_seller(&goods))
        }
    };
    let mut facts = vec![place.other(it.side, &it.other), place.order_fact(it.order)];
    let days = place.days(&it.days);
    let preview = if days.is_empty() { paragraph.clone() } else { days.clone() };
    // A fact and no figure: there may be a hundred stretches.
    if !days.is_empty() {
        facts.insert(0, fact(words.hired_days(), days));
    }
    Letter {
        subject,
        preview,
        heading: heading.to_owned(),
        paragraphs: vec![paragraph],
        facts,
        action: Some(place.order(it.order)),
        reason: place.because(it.side),
        ..Letter::default()
    }
}

pub(super) fn reminder(it: &PaymentReminder, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    let (by, amount) = (place.time(it.pay_by), place.money(it.payable));
    Letter {
        subject: words.reminder_subject(&goods),
        preview: words.reminder_preview(&amount, &by),
        heading: words.reminder_heading().to_owned(),
        paragraphs: vec![words.reminder_text(&goods)],
        figure: Some(fact(words.to_pay(), amount)),
        facts: vec![fact(words.pay_by(), by)],
        action: Some(place.link(words.view_checkout(), format_args!("/checkouts/{}", it.checkout))),
        note: Some(words.reminder_note().to_owned()),
        reason: words.because_buyer().to_owned(),
        ..Letter::default()
    }
}

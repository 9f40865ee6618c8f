//! Letters about payments and paid orders.

use market::emails::model::{DisputeOpened, OrderNews, OrderSettled, PaymentFailed, RefundPaid};
use market::escrow::model::DisputeReason;
use market::orders::model::Side;

use super::letter::{Letter, Place, fact};

pub(super) fn payment_failed(it: &PaymentFailed, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    let (by, amount) = (place.time(it.pay_by), place.money(it.payable));
    Letter {
        subject: words.failed_subject(&goods),
        preview: words.failed_preview(&by),
        heading: words.failed_heading().to_owned(),
        paragraphs: vec![words.failed_text(&goods)],
        figure: Some(fact(words.to_pay(), amount)),
        facts: vec![fact(words.pay_by(), by)],
        action: Some(place.link(words.view_checkout(), format_args!("/checkouts/{}", it.checkout))),
        reason: words.because_buyer().to_owned(),
        ..Letter::default()
    }
}

/// A letter about an order that goes on.
fn going_on(it: &OrderNews, place: &Place<'_>, subject: String, heading: &str, paragraph: String) -> Letter {
    Letter {
        subject,
        preview: paragraph.clone(),
        heading: heading.to_owned(),
        paragraphs: vec![paragraph],
        facts: vec![
            fact(place.words.paid(), place.money(it.payable)),
            place.other(it.side, &it.other),
            place.order_fact(it.order),
        ],
        action: Some(place.order(it.order)),
        reason: place.because(it.side),
        ..Letter::default()
    }
}

pub(super) fn paid(it: &OrderNews, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    let (subject, heading, paragraph) = match it.side {
        Side::Buyer => (words.paid_subject_buyer(&goods), words.paid_heading_buyer(), words.paid_buyer(&goods)),
        Side::Seller => (words.paid_subject_seller(&goods), words.paid_heading_seller(), words.paid_seller(&goods)),
    };
    going_on(it, place, subject, heading, paragraph)
}

pub(super) fn shipped(it: &OrderNews, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    going_on(it, place, words.shipped_subject(&goods), words.shipped_heading(), words.shipped_text(&goods))
}

pub(super) fn delivered(it: &OrderNews, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    let until = it.inspect_until.map(|until| place.time(until));
    let (heading, arrived, next) = match it.side {
        Side::Buyer => (
            words.delivered_heading_buyer(),
            words.delivered_buyer(&goods),
            until.map(|until| words.delivered_inspect(&until)),
        ),
        Side::Seller => (
            words.delivered_heading_seller(),
            words.delivered_seller(&goods),
            until.map(|until| words.delivered_wait(&until)),
        ),
    };
    let paragraph = sentences(arrived, next);
    going_on(it, place, words.delivered_subject(&goods), heading, paragraph)
}

fn sentences(first: String, next: Option<String>) -> String {
    match next {
        Some(next) => format!("{first} {next}"),
        None => first,
    }
}

pub(super) fn withdrawn(it: &OrderNews, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    going_on(it, place, words.withdrawn_subject(&goods), words.withdrawn_heading(), words.withdrawn_text(&goods))
}

pub(super) fn disputed(it: &DisputeOpened, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    let why = match it.reason {
        DisputeReason::NotReceived => words.dispute_not_received(),
        DisputeReason::NotAsDescribed => words.dispute_not_as_described(),
        DisputeReason::Damaged => words.dispute_damaged(),
        DisputeReason::Other => words.dispute_other(),
    };
    let paragraph = match it.side {
        Side::Buyer => words.dispute_buyer(&goods),
        Side::Seller => words.dispute_seller(&goods),
    };
    Letter {
        subject: words.dispute_subject(&goods),
        preview: paragraph.clone(),
        heading: words.dispute_heading().to_owned(),
        paragraphs: vec![paragraph],
        quote: Some(it.text.clone()),
        facts: vec![
            fact(words.reason(), why.to_owned()),
            fact(words.dispute_held(), place.money(it.payable)),
            place.other(it.side, &it.other),
            place.order_fact(it.order),
        ],
        action: Some(place.order(it.order)),
        reason: place.because(it.side),
        ..Letter::default()
    }
}

/// A letter about an order whose money is divided for good.
fn over(it: &OrderSettled, place: &Place<'_>, subject: String, heading: &str, paragraph: String) -> Letter {
    let words = place.words;
    let refunded = (it.refunded.minor() > 0).then(|| fact(words.refunded(), place.money(it.refunded)));
    let (figure, refunded) = match it.side {
        Side::Buyer => (refunded, None),
        Side::Seller => (Some(fact(words.you_receive(), place.money(it.earned))), refunded),
    };
    let mut facts = vec![fact(words.paid(), place.money(it.payable))];
    facts.extend(refunded);
    facts.extend([place.other(it.side, &it.other), place.order_fact(it.order)]);
    Letter {
        subject,
        preview: paragraph.clone(),
        heading: heading.to_owned(),
        paragraphs: vec![paragraph],
        figure,
        facts,
        action: Some(place.order(it.order)),
        reason: place.because(it.side),
        ..Letter::default()
    }
}

pub(super) fn completed(it: &OrderSettled, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    let (heading, paragraph) = match it.side {
        Side::Buyer => (words.completed_heading_buyer(), words.completed_buyer(&goods)),
        Side::Seller => (words.completed_heading_seller(), words.completed_seller(&goods)),
    };
    over(it, place, words.completed_subject(&goods), heading, paragraph)
}

pub(super) fn decided(it: &OrderSettled, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    let refunded = place.money(it.refunded);
    let paragraph = match (it.side, it.refunded.minor()) {
        (Side::Buyer, 0) => words.decided_against_buyer(&goods),
        (Side::Buyer, _) => words.decided_for_buyer(&goods, &refunded),
        (Side::Seller, 0) => words.decided_for_seller(&goods),
        (Side::Seller, _) => words.decided_against_seller(&goods, &refunded),
    };
    over(it, place, words.decided_subject(&goods), words.decided_heading(), paragraph)
}

pub(super) fn refund_paid(it: &RefundPaid, place: &Place<'_>) -> Letter {
    let (words, goods, amount) = (place.words, place.goods(&it.title, it.more), place.money(it.amount));
    Letter {
        subject: words.refund_subject(&goods),
        preview: words.refund_preview(&amount),
        heading: words.refund_heading().to_owned(),
        paragraphs: vec![words.refund_text(&amount, &goods)],
        figure: Some(fact(words.refunded(), amount)),
        action: Some(place.link(words.view_checkout(), format_args!("/checkouts/{}", it.checkout))),
        reason: words.because_buyer().to_owned(),
        ..Letter::default()
    }
}

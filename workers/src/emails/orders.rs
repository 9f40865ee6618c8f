//! Letters about orders.

use market::emails::model::{OrderEnded, OrderPlaced, PaymentReminder};
use market::orders::model::Side;

use super::letter::{Fact, Letter, Place, fact};
use super::wording::{money, one_line, time};

pub(super) const BUYER: &str = "You are receiving this email because you trade for the organisation that ordered this.";
pub(super) const SELLER: &str = "You are receiving this email because you trade for the organisation that sells this.";

pub(super) const fn reason(side: Side) -> &'static str {
    match side {
        Side::Buyer => BUYER,
        Side::Seller => SELLER,
    }
}

/// What was ordered: the first listing, and how many more.
pub(super) fn goods(title: &str, more: usize) -> String {
    let title = one_line(title);
    match more {
        0 => format!("“{title}”"),
        more => format!("“{title}” and {more} more"),
    }
}

/// The party that does not read this.
pub(super) fn other(side: Side, name: &str) -> Fact {
    let label = match side {
        Side::Buyer => "Seller",
        Side::Seller => "Buyer",
    };
    fact(label, one_line(name))
}

pub(super) fn placed(it: &OrderPlaced, place: &Place<'_>) -> Letter {
    let goods = goods(&it.title, it.more);
    let (by, amount) = (time(it.pay_by, place.zone), money(it.payable));
    let (subject, preview, heading, paragraph) = match it.side {
        Side::Buyer => (
            format!("Your order: {goods}"),
            format!("Please pay {amount} by {by}."),
            "Your order is reserved",
            format!("{goods} is reserved for you. The seller will prepare it as soon as you have paid."),
        ),
        Side::Seller => (
            format!("New order: {goods}"),
            format!("The buyer has until {by} to pay."),
            "You have a new order",
            format!("{goods} is ordered and reserved. Please do not hand it over before the payment has arrived."),
        ),
    };
    let label = match it.side {
        Side::Buyer => "To pay",
        Side::Seller => "The buyer pays",
    };
    Letter {
        subject,
        preview,
        heading: heading.to_owned(),
        paragraphs: vec![paragraph],
        quote: None,
        facts: vec![
            fact(label, amount),
            fact("Pay by", by),
            other(it.side, &it.other),
            fact("Order", it.order.to_string()),
        ],
        action: Some(place.link("View order", format_args!("/orders/{}", it.order))),
        note: None,
        reason: reason(it.side).to_owned(),
    }
}

pub(super) fn expired(it: &OrderEnded, place: &Place<'_>) -> Letter {
    let goods = goods(&it.title, it.more);
    let paragraph = match it.side {
        Side::Buyer => {
            format!("{goods} was not paid in time and is not reserved for you any more. Nothing was charged.")
        }
        Side::Seller => format!("The buyer of {goods} has not paid in time. What was reserved can be sold again."),
    };
    ended(it, place, format!("Not paid in time: {goods}"), "The order has expired", paragraph)
}

pub(super) fn cancelled(it: &OrderEnded, place: &Place<'_>) -> Letter {
    let goods = goods(&it.title, it.more);
    let paragraph = match it.side {
        Side::Buyer => format!("Your order of {goods} is cancelled. Nothing was charged."),
        Side::Seller => format!("The buyer has cancelled the order of {goods}. What was reserved can be sold again."),
    };
    ended(it, place, format!("Cancelled: {goods}"), "The order is cancelled", paragraph)
}

fn ended(it: &OrderEnded, place: &Place<'_>, subject: String, heading: &str, paragraph: String) -> Letter {
    Letter {
        subject,
        preview: paragraph.clone(),
        heading: heading.to_owned(),
        paragraphs: vec![paragraph],
        quote: None,
        facts: vec![fact("Amount", money(it.payable)), other(it.side, &it.other), fact("Order", it.order.to_string())],
        action: Some(place.link("View order", format_args!("/orders/{}", it.order))),
        note: None,
        reason: reason(it.side).to_owned(),
    }
}

pub(super) fn reminder(it: &PaymentReminder, place: &Place<'_>) -> Letter {
    let goods = goods(&it.title, it.more);
    let (by, amount) = (time(it.pay_by, place.zone), money(it.payable));
    Letter {
        subject: format!("Please pay for {goods}"),
        preview: format!("{amount} is due by {by}."),
        heading: "Your payment is due soon".to_owned(),
        paragraphs: vec![format!("We have not received your payment for {goods} yet.")],
        quote: None,
        facts: vec![fact("To pay", amount), fact("Pay by", by)],
        action: Some(place.link("View checkout", format_args!("/checkouts/{}", it.checkout))),
        note: Some("If you have paid in the meantime, ignore this email.".to_owned()),
        reason: BUYER.to_owned(),
    }
}

//! Letters about payments and paid orders.

use chrono_tz::Tz;
use market::emails::model::{DisputeOpened, OrderNews, OrderSettled, PaymentFailed, RefundPaid};
use market::escrow::model::DisputeReason;
use market::ids::OrderId;
use market::orders::model::Side;

use super::letter::{Action, Letter, Place, fact};
use super::orders::{BUYER, goods, other, reason};
use super::wording::{money, time};

fn view(order: OrderId, place: &Place<'_>) -> Action {
    place.link("View order", format_args!("/orders/{order}"))
}

pub(super) fn payment_failed(it: &PaymentFailed, place: &Place<'_>) -> Letter {
    let goods = goods(&it.title, it.more);
    let (by, amount) = (time(it.pay_by, place.zone), money(it.payable));
    Letter {
        subject: format!("Payment failed: {goods}"),
        preview: format!("You can try again until {by}."),
        heading: "Your payment has failed".to_owned(),
        paragraphs: vec![format!(
            "Your payment for {goods} did not go through, and nothing was charged. You can try again, with another method of payment if you like."
        )],
        quote: None,
        facts: vec![fact("To pay", amount), fact("Pay by", by)],
        action: Some(place.link("View checkout", format_args!("/checkouts/{}", it.checkout))),
        note: None,
        reason: BUYER.to_owned(),
    }
}

/// A letter about an order that goes on.
fn going_on(it: &OrderNews, place: &Place<'_>, subject: &str, heading: &str, paragraph: String) -> Letter {
    Letter {
        subject: format!("{subject}: {}", goods(&it.title, it.more)),
        preview: paragraph.clone(),
        heading: heading.to_owned(),
        paragraphs: vec![paragraph],
        quote: None,
        facts: vec![fact("Paid", money(it.payable)), other(it.side, &it.other), fact("Order", it.order.to_string())],
        action: Some(view(it.order, place)),
        note: None,
        reason: reason(it.side).to_owned(),
    }
}

pub(super) fn paid(it: &OrderNews, place: &Place<'_>) -> Letter {
    let goods = goods(&it.title, it.more);
    match it.side {
        Side::Buyer => going_on(
            it,
            place,
            "Paid",
            "We have received your payment",
            format!("{goods} is paid. The money is held until you have received and accepted it."),
        ),
        Side::Seller => going_on(
            it,
            place,
            "Paid, please send",
            "Your buyer has paid",
            format!("{goods} is paid, and the money is held for you. Please send it, and say so in the order."),
        ),
    }
}

pub(super) fn shipped(it: &OrderNews, place: &Place<'_>) -> Letter {
    let paragraph =
        format!("The seller has sent {}. Please say in the order when it has arrived.", goods(&it.title, it.more));
    going_on(it, place, "On its way", "Your order is on its way", paragraph)
}

pub(super) fn delivered(it: &OrderNews, place: &Place<'_>) -> Letter {
    let goods = goods(&it.title, it.more);
    let until = it.inspect_until.map_or_else(String::new, |until| inspection(until, it.side, place.zone));
    match it.side {
        Side::Buyer => {
            let paragraph = format!("You have received {goods}.{until}");
            going_on(it, place, "Arrived", "Please inspect your order", paragraph)
        }
        Side::Seller => {
            let paragraph = format!("The buyer has received {goods}.{until}");
            going_on(it, place, "Arrived", "Your buyer has received the order", paragraph)
        }
    }
}

fn inspection(until: chrono::DateTime<chrono::Utc>, side: Side, zone: Tz) -> String {
    let until = time(until, zone);
    match side {
        Side::Buyer => {
            format!(" If something is wrong with it, open a dispute by {until}. After that the seller is paid.")
        }
        Side::Seller => format!(" Unless the buyer finds fault with it by {until}, you are paid then at the latest."),
    }
}

pub(super) fn withdrawn(it: &OrderNews, place: &Place<'_>) -> Letter {
    let goods = goods(&it.title, it.more);
    let paragraph = format!("The buyer has withdrawn the dispute about {goods}. The order goes on where it was.");
    going_on(it, place, "Dispute withdrawn", "The dispute is withdrawn", paragraph)
}

pub(super) fn disputed(it: &DisputeOpened, place: &Place<'_>) -> Letter {
    let goods = goods(&it.title, it.more);
    let why = match it.reason {
        DisputeReason::NotReceived => "Not received",
        DisputeReason::NotAsDescribed => "Not as described",
        DisputeReason::Damaged => "Damaged",
        DisputeReason::Other => "Another reason",
    };
    let paragraph = match it.side {
        Side::Buyer => {
            format!("You have opened a dispute about {goods}. The money stays where it is until we have decided.")
        }
        Side::Seller => format!("The buyer finds fault with {goods}. The money is held until the dispute is decided."),
    };
    Letter {
        subject: format!("Dispute: {goods}"),
        preview: paragraph.clone(),
        heading: "A dispute is open".to_owned(),
        paragraphs: vec![paragraph],
        quote: Some(it.text.clone()),
        facts: vec![
            fact("Reason", why.to_owned()),
            fact("Held", money(it.payable)),
            other(it.side, &it.other),
            fact("Order", it.order.to_string()),
        ],
        action: Some(view(it.order, place)),
        note: None,
        reason: reason(it.side).to_owned(),
    }
}

/// A letter about an order whose money is divided for good.
fn over(it: &OrderSettled, place: &Place<'_>, subject: &str, heading: &str, paragraph: String) -> Letter {
    let mut facts = vec![fact("Paid", money(it.payable))];
    if it.refunded.minor() > 0 {
        facts.push(fact("Refunded", money(it.refunded)));
    }
    if it.side == Side::Seller {
        facts.push(fact("You receive", money(it.earned)));
    }
    facts.push(other(it.side, &it.other));
    facts.push(fact("Order", it.order.to_string()));
    Letter {
        subject: format!("{subject}: {}", goods(&it.title, it.more)),
        preview: paragraph.clone(),
        heading: heading.to_owned(),
        paragraphs: vec![paragraph],
        quote: None,
        facts,
        action: Some(view(it.order, place)),
        note: None,
        reason: reason(it.side).to_owned(),
    }
}

pub(super) fn completed(it: &OrderSettled, place: &Place<'_>) -> Letter {
    let goods = goods(&it.title, it.more);
    match it.side {
        Side::Buyer => {
            let paragraph = format!("Your order of {goods} is completed, and the seller is paid.");
            over(it, place, "Completed", "Your order is completed", paragraph)
        }
        Side::Seller => {
            let paragraph = format!("The order of {goods} is completed, and the money is yours.");
            over(it, place, "Completed", "The money is yours", paragraph)
        }
    }
}

pub(super) fn decided(it: &OrderSettled, place: &Place<'_>) -> Letter {
    let goods = goods(&it.title, it.more);
    let refunded = money(it.refunded);
    let paragraph = match (it.side, it.refunded.minor()) {
        (Side::Buyer, 0) => format!("We have decided the dispute about {goods} for the seller, who is paid."),
        (Side::Buyer, _) => format!("We have decided the dispute about {goods}: {refunded} goes back to you."),
        (Side::Seller, 0) => format!("We have decided the dispute about {goods} for you, and the money is yours."),
        (Side::Seller, _) => format!("We have decided the dispute about {goods}: {refunded} goes back to the buyer."),
    };
    over(it, place, "Dispute decided", "The dispute is decided", paragraph)
}

pub(super) fn refund_paid(it: &RefundPaid, place: &Place<'_>) -> Letter {
    let (goods, amount) = (goods(&it.title, it.more), money(it.amount));
    Letter {
        subject: format!("Refund: {goods}"),
        preview: format!("{amount} is on its way to you."),
        heading: "Your money is on its way back".to_owned(),
        paragraphs: vec![format!(
            "We have refunded {amount} for {goods}, to the method of payment that you used. It may take your bank a few days to show it."
        )],
        quote: None,
        facts: vec![fact("Refunded", amount)],
        action: Some(place.link("View checkout", format_args!("/checkouts/{}", it.checkout))),
        note: None,
        reason: BUYER.to_owned(),
    }
}

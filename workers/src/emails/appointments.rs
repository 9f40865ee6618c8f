//! Letters about appointments.

use market::appointments::model::{AppointmentKind, MISSED_TOO_OFTEN};
use market::emails::model::{AppointmentNews, StorageNews};
use market::orders::model::Side;

use super::letter::{Letter, Place, fact};
use super::orders::{goods, other, reason};
use super::wording::{money, one_line, time};

/// A letter with what all of them say.
fn letter(it: &AppointmentNews, place: &Place<'_>, subject: &str, heading: &str, paragraph: String) -> Letter {
    let mut facts = vec![fact("From", time(it.starts_at, place.zone)), fact("Until", time(it.ends_at, place.zone))];
    facts.extend(it.site.iter().map(|site| fact("Site", one_line(site))));
    facts.extend([other(it.side, &it.other), fact("Order", it.order.to_string())]);
    Letter {
        subject: format!("{subject}: {}", goods(&it.title, it.more)),
        preview: paragraph.clone(),
        heading: heading.to_owned(),
        paragraphs: vec![paragraph],
        quote: None,
        facts,
        action: Some(place.link("View order", format_args!("/orders/{}", it.order))),
        note: None,
        reason: reason(it.side).to_owned(),
    }
}

/// Collection or delivery, as a subject begins.
const fn what(kind: AppointmentKind) -> &'static str {
    match kind {
        AppointmentKind::Collection => "Collection",
        AppointmentKind::Delivery => "Delivery",
    }
}

pub(super) fn proposed(it: &AppointmentNews, place: &Place<'_>) -> Letter {
    let goods = goods(&it.title, it.more);
    let paragraph = match it.kind {
        AppointmentKind::Collection => {
            format!("The seller proposes a time to collect {goods}. Please agree to it, or book another one.")
        }
        AppointmentKind::Delivery => {
            format!("The seller proposes a time to deliver {goods}. Please agree to it, or name another one.")
        }
    };
    letter(it, place, "Appointment proposed", "The seller proposes a time", paragraph)
}

pub(super) fn booked(it: &AppointmentNews, place: &Place<'_>) -> Letter {
    let goods = goods(&it.title, it.more);
    let paragraph = match (it.kind, it.side) {
        (AppointmentKind::Collection, Side::Buyer) => {
            format!(
                "{goods} is ready for you then. Please bring the pass, which you get on the order's page: without it nothing is given out."
            )
        }
        (AppointmentKind::Collection, Side::Seller) => {
            format!("The buyer collects {goods} then. Please give it out for the buyer's pass alone.")
        }
        (AppointmentKind::Delivery, Side::Buyer) => {
            format!("The seller knows that you would like to get {goods} then.")
        }
        (AppointmentKind::Delivery, Side::Seller) => format!("The buyer would like to get {goods} then."),
    };
    letter(it, place, &format!("{} booked", what(it.kind)), "An appointment is booked", paragraph)
}

pub(super) fn moved(it: &AppointmentNews, place: &Place<'_>) -> Letter {
    let goods = goods(&it.title, it.more);
    let paragraph = match it.side {
        Side::Buyer => format!("Your appointment about {goods} is at another time now."),
        Side::Seller => format!("The buyer has moved the appointment about {goods} to another time."),
    };
    letter(it, place, &format!("{} moved", what(it.kind)), "An appointment has moved", paragraph)
}

pub(super) fn cancelled(it: &AppointmentNews, place: &Place<'_>) -> Letter {
    let goods = goods(&it.title, it.more);
    let next = match it.side {
        Side::Buyer => "You can make another one.",
        Side::Seller => "The buyer can make another one, and you can propose one.",
    };
    let paragraph = format!("The appointment about {goods} is off. {next}");
    letter(it, place, &format!("{} cancelled", what(it.kind)), "An appointment was cancelled", paragraph)
}

pub(super) fn reminder(it: &AppointmentNews, place: &Place<'_>) -> Letter {
    let goods = goods(&it.title, it.more);
    let paragraph = match (it.kind, it.side) {
        (AppointmentKind::Collection, Side::Buyer) => format!("{goods} is ready for you soon. Please bring the pass."),
        (AppointmentKind::Collection, Side::Seller) => format!("The buyer collects {goods} soon."),
        (AppointmentKind::Delivery, Side::Buyer) => {
            format!("You would like to get {goods} soon. The seller is reminded of it, too.")
        }
        (AppointmentKind::Delivery, Side::Seller) => format!("The buyer would like to get {goods} soon."),
    };
    letter(it, place, &format!("{} soon", what(it.kind)), "An appointment is near", paragraph)
}

pub(super) fn missed(it: &AppointmentNews, place: &Place<'_>) -> Letter {
    let goods = goods(&it.title, it.more);
    let paragraph = match it.side {
        Side::Buyer => format!("Nobody came to collect {goods}. Please make another appointment."),
        Side::Seller if it.missed >= MISSED_TOO_OFTEN => {
            format!(
                "Nobody came to collect {goods}, for the third time or more. You can give the money back and keep the goods."
            )
        }
        Side::Seller => format!("Nobody came to collect {goods}. The buyer can make another appointment."),
    };
    letter(it, place, "Not collected", "Nobody came", paragraph)
}

pub(super) fn storage(it: &StorageNews, place: &Place<'_>) -> Letter {
    let (goods, per_day) = (goods(&it.title, it.more), money(it.per_day));
    let paragraph = match it.side {
        Side::Buyer => format!(
            "Nobody has collected {goods} yet. From now on the seller charges {per_day} for each day that begins. Nothing is given out \
             before that is paid."
        ),
        Side::Seller => format!(
            "Nobody has collected {goods} yet. From now on the buyer owes you {per_day} for each day that begins. Please say in the order \
             when you have got it, or give it up: before that nothing is given out."
        ),
    };
    Letter {
        subject: format!("Storage: {goods}"),
        preview: paragraph.clone(),
        heading: "Storage costs something now".to_owned(),
        paragraphs: vec![paragraph],
        quote: None,
        facts: vec![fact("Each day", per_day), other(it.side, &it.other), fact("Order", it.order.to_string())],
        action: Some(place.link("View order", format_args!("/orders/{}", it.order))),
        note: None,
        reason: reason(it.side).to_owned(),
    }
}

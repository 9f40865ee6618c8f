//! Letters about appointments.

use market::appointments::model::{AppointmentKind, MISSED_TOO_OFTEN};
use market::emails::model::{AppointmentNews, StorageNews};
use market::orders::model::Side;

use super::formats::one_line;
use super::letter::{Letter, Place, fact};

use AppointmentKind::{Collection, Delivery};

/// A letter with what all of them say.
fn letter(it: &AppointmentNews, place: &Place<'_>, subject: String, heading: &str, paragraph: String) -> Letter {
    let words = place.words;
    let mut facts =
        vec![fact(words.slot_from(), place.time(it.starts_at)), fact(words.slot_until(), place.time(it.ends_at))];
    let at = match it.kind {
        Collection => words.slot_site(),
        Delivery => words.slot_delivered_from(),
    };
    facts.extend(it.site.iter().map(|site| fact(at, one_line(site))));
    facts.extend([place.other(it.side, &it.other), place.order_fact(it.order)]);
    Letter {
        subject,
        preview: paragraph.clone(),
        heading: heading.to_owned(),
        paragraphs: vec![paragraph],
        facts,
        action: Some(place.order(it.order)),
        reason: place.because(it.side),
        ..Letter::default()
    }
}

pub(super) fn proposed(it: &AppointmentNews, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    let paragraph = match it.kind {
        Collection => words.slot_proposed_collection(&goods),
        Delivery => words.slot_proposed_delivery(&goods),
    };
    letter(it, place, words.slot_proposed_subject(&goods), words.slot_proposed_heading(), paragraph)
}

pub(super) fn booked(it: &AppointmentNews, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    let subject = match it.kind {
        Collection => words.slot_booked_collection(&goods),
        Delivery => words.slot_booked_delivery(&goods),
    };
    let paragraph = match (it.kind, it.side, &it.site) {
        (Collection, Side::Buyer, _) => words.slot_booked_collection_buyer(&goods),
        (Collection, Side::Seller, _) => words.slot_booked_collection_seller(&goods),
        (Delivery, Side::Buyer, None) => words.slot_booked_delivery_buyer(&goods),
        (Delivery, Side::Seller, None) => words.slot_booked_delivery_seller(&goods),
        (Delivery, Side::Buyer, Some(_)) => words.slot_booked_from_site_buyer(&goods),
        (Delivery, Side::Seller, Some(_)) => words.slot_booked_from_site_seller(&goods),
    };
    letter(it, place, subject, words.slot_booked_heading(), paragraph)
}

pub(super) fn moved(it: &AppointmentNews, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    let subject = match it.kind {
        Collection => words.slot_moved_collection(&goods),
        Delivery => words.slot_moved_delivery(&goods),
    };
    let paragraph = match it.side {
        Side::Buyer => words.slot_moved_buyer(&goods),
        Side::Seller => words.slot_moved_seller(&goods),
    };
    letter(it, place, subject, words.slot_moved_heading(), paragraph)
}

pub(super) fn cancelled(it: &AppointmentNews, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    let subject = match it.kind {
        Collection => words.slot_cancelled_collection(&goods),
        Delivery => words.slot_cancelled_delivery(&goods),
    };
    let paragraph = match it.side {
        Side::Buyer => words.slot_cancelled_buyer(&goods),
        Side::Seller => words.slot_cancelled_seller(&goods),
    };
    letter(it, place, subject, words.slot_cancelled_heading(), paragraph)
}

pub(super) fn reminder(it: &AppointmentNews, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    let subject = match it.kind {
        Collection => words.slot_soon_collection(&goods),
        Delivery => words.slot_soon_delivery(&goods),
    };
    let paragraph = match (it.kind, it.side, &it.site) {
        (Collection, Side::Buyer, _) => words.slot_soon_collection_buyer(&goods),
        (Collection, Side::Seller, _) => words.slot_soon_collection_seller(&goods),
        (Delivery, Side::Buyer, None) => words.slot_soon_delivery_buyer(&goods),
        (Delivery, Side::Seller, None) => words.slot_soon_delivery_seller(&goods),
        (Delivery, Side::Buyer, Some(_)) => words.slot_soon_from_site_buyer(&goods),
        (Delivery, Side::Seller, Some(_)) => words.slot_soon_from_site_seller(&goods),
    };
    letter(it, place, subject, words.slot_soon_heading(), paragraph)
}

pub(super) fn missed(it: &AppointmentNews, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    let paragraph = match it.side {
        Side::Buyer => words.slot_missed_buyer(&goods),
        Side::Seller if it.missed >= MISSED_TOO_OFTEN => words.slot_missed_often(&goods),
        Side::Seller => words.slot_missed_seller(&goods),
    };
    letter(it, place, words.slot_missed_subject(&goods), words.slot_missed_heading(), paragraph)
}

pub(super) fn storage(it: &StorageNews, place: &Place<'_>) -> Letter {
    let (words, goods, fee) = (place.words, place.goods(&it.title, it.more), place.money(it.per_day));
    let paragraph = match it.side {
        Side::Buyer => words.storage_buyer(&goods, &fee),
        Side::Seller => words.storage_seller(&goods, &fee),
    };
    Letter {
        subject: words.storage_subject(&goods),
        preview: paragraph.clone(),
        heading: words.storage_heading().to_owned(),
        paragraphs: vec![paragraph],
        figure: Some(fact(words.storage_per_day(), fee)),
        facts: vec![place.other(it.side, &it.other), place.order_fact(it.order)],
        action: Some(place.order(it.order)),
        reason: place.because(it.side),
        ..Letter::default()
    }
}

//! Letters about shipments on their way.

use market::emails::model::ShipmentNews;

use super::formats::one_line;
use super::letter::{Letter, Place, fact};

/// A letter with what all of them say.
fn letter(it: &ShipmentNews, place: &Place<'_>, subject: String, heading: &str, paragraph: String) -> Letter {
    let words = place.words;
    let mut facts = vec![fact(words.shipment_number(), it.tracking.clone())];
    facts.extend(it.carrier.iter().map(|carrier| fact(words.shipment_carrier(), one_line(carrier))));
    facts.extend(it.order.map(|order| place.order_fact(order)));
    Letter {
        subject,
        preview: paragraph.clone(),
        heading: heading.to_owned(),
        paragraphs: vec![paragraph],
        facts,
        action: Some(place.link(words.view_shipment(), format_args!("/shipments/{}", it.tracking))),
        reason: if it.sends { words.because_sends() } else { words.because_gets() }.to_owned(),
        ..Letter::default()
    }
}

pub(super) fn exception(it: &ShipmentNews, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    let paragraph = if it.sends { words.exception_sender(&goods) } else { words.exception_receiver(&goods) };
    letter(it, place, words.exception_subject(&goods), words.exception_heading(), paragraph)
}

pub(super) fn attempt_failed(it: &ShipmentNews, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    letter(it, place, words.attempt_subject(&goods), words.attempt_heading(), words.attempt_text(&goods))
}

pub(super) fn returned(it: &ShipmentNews, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    let paragraph = if it.sends { words.came_back_sender(&goods) } else { words.came_back_receiver(&goods) };
    letter(it, place, words.came_back_subject(&goods), words.came_back_heading(), paragraph)
}

pub(super) fn stalled(it: &ShipmentNews, place: &Place<'_>) -> Letter {
    let (words, goods) = (place.words, place.goods(&it.title, it.more));
    let paragraph = words.stalled_text(&goods, &place.time(it.heard_at));
    letter(it, place, words.stalled_subject(&goods), words.stalled_heading(), paragraph)
}

//! Letters about shipments on their way.

use market::emails::model::ShipmentNews;

use super::letter::{Letter, Place, fact};
use super::orders::goods;
use super::wording::{one_line, time};

const SENDS: &str = "You are receiving this email because you trade for the organisation that sends this.";
const GETS: &str = "You are receiving this email because you trade for the organisation that gets this.";

/// A letter with what all of them say.
fn letter(it: &ShipmentNews, place: &Place<'_>, subject: &str, heading: &str, paragraph: String) -> Letter {
    let mut facts = vec![fact("Tracking number", it.tracking.clone())];
    facts.extend(it.carrier.iter().map(|carrier| fact("Carrier", one_line(carrier))));
    facts.extend(it.order.map(|order| fact("Order", order.to_string())));
    Letter {
        subject: format!("{subject}: {}", goods(&it.title, it.more)),
        preview: paragraph.clone(),
        heading: heading.to_owned(),
        paragraphs: vec![paragraph],
        quote: None,
        facts,
        action: Some(place.link("View shipment", format_args!("/shipments/{}", it.tracking))),
        note: None,
        reason: if it.sends { SENDS } else { GETS }.to_owned(),
    }
}

pub(super) fn exception(it: &ShipmentNews, place: &Place<'_>) -> Letter {
    let goods = goods(&it.title, it.more);
    let next = if it.sends { "Please ask the carrier what has happened." } else { "The sender knows of it." };
    let paragraph = format!("The carrier reports that {goods} is damaged, lost or held on its way. {next}");
    letter(it, place, "Problem on the way", "Something went wrong on the way", paragraph)
}

pub(super) fn attempt_failed(it: &ShipmentNews, place: &Place<'_>) -> Letter {
    let goods = goods(&it.title, it.more);
    let paragraph = format!("Nobody could take {goods} when it was to be delivered. It is still on its way.");
    letter(it, place, "Not delivered", "A delivery was tried in vain", paragraph)
}

pub(super) fn returned(it: &ShipmentNews, place: &Place<'_>) -> Letter {
    let goods = goods(&it.title, it.more);
    let whose = if it.sends { "to you" } else { "to its sender" };
    let paragraph = format!("What was not delivered of {goods} has come back {whose}.");
    letter(it, place, "Came back", "A shipment has come back", paragraph)
}

pub(super) fn stalled(it: &ShipmentNews, place: &Place<'_>) -> Letter {
    let goods = goods(&it.title, it.more);
    let heard = time(it.heard_at, place.zone);
    let paragraph = format!(
        "Nothing was heard of {goods} since {heard}. Please ask the carrier where it is. You are told again only if it falls silent \
         another time."
    );
    letter(it, place, "Nothing heard", "A shipment has fallen silent", paragraph)
}

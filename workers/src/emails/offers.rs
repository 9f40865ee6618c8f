//! Letters about offers.

use market::emails::model::{OfferAccepted, OfferNews};

use super::letter::{Fact, Letter, Place, fact};
use super::wording::{money, one_line, time};

const REASON: &str = "You are receiving this email because you trade for one side of this offer.";

/// What a letter about terms says.
struct Words {
    subject: &'static str,
    heading: &'static str,
    paragraph: String,
    action: &'static str,
    /// Whether there is something to answer.
    answer: bool,
}

pub(super) fn received(it: &OfferNews, place: &Place<'_>) -> Letter {
    let paragraph = format!("{} has made you an offer.", one_line(&it.other));
    let words =
        Words { subject: "An offer for", heading: "You have an offer", paragraph, action: "Answer", answer: true };
    letter(it, place, words)
}

pub(super) fn countered(it: &OfferNews, place: &Place<'_>) -> Letter {
    let paragraph = format!("{} has answered your offer with other terms.", one_line(&it.other));
    let words = Words {
        subject: "Other terms for",
        heading: "There are other terms",
        paragraph,
        action: "Answer",
        answer: true,
    };
    letter(it, place, words)
}

pub(super) fn declined(it: &OfferNews, place: &Place<'_>) -> Letter {
    let paragraph = format!("{} has declined your offer. You can make another one.", one_line(&it.other));
    let (subject, heading) = ("Declined: your offer for", "Your offer was declined");
    letter(it, place, Words { subject, heading, paragraph, action: "Open the offer", answer: false })
}

pub(super) fn withdrawn(it: &OfferNews, place: &Place<'_>) -> Letter {
    let paragraph = format!("{} has withdrawn the offer before you answered.", one_line(&it.other));
    let (subject, heading) = ("Withdrawn: the offer for", "The offer was withdrawn");
    letter(it, place, Words { subject, heading, paragraph, action: "Open the offer", answer: false })
}

pub(super) fn expired(it: &OfferNews, place: &Place<'_>) -> Letter {
    let paragraph = format!("Nobody has answered in time. The other side was {}.", one_line(&it.other));
    let (subject, heading) = ("Expired: the offer for", "The offer has expired");
    letter(it, place, Words { subject, heading, paragraph, action: "Open the offer", answer: false })
}

fn letter(it: &OfferNews, place: &Place<'_>, words: Words) -> Letter {
    let title = one_line(&it.title);
    let mut facts: Vec<Fact> = vec![fact("Price per unit", money(it.price)), fact("Quantity", it.quantity.to_string())];
    if words.answer {
        facts.push(fact("Answer by", time(it.expires_at, place.zone)));
    }
    Letter {
        subject: format!("{} {title}", words.subject),
        preview: format!("{} for each of {}.", money(it.price), it.quantity),
        heading: words.heading.to_owned(),
        paragraphs: vec![words.paragraph, format!("It is about “{title}”.")],
        quote: it.note.as_ref().filter(|_| words.answer).map(|note| note.trim().to_owned()),
        facts,
        action: Some(place.link(words.action, format_args!("/offers/{}", it.offer))),
        note: words.answer.then(|| "Nothing is reserved until one side accepts.".to_owned()),
        reason: REASON.to_owned(),
    }
}

pub(super) fn accepted(it: &OfferAccepted, place: &Place<'_>) -> Letter {
    let (title, other) = (one_line(&it.title), one_line(&it.other));
    let (preview, paragraph, facts) = if it.buys {
        (
            format!("Please pay {} by {}.", money(it.payable), time(it.pay_by, place.zone)),
            format!("“{title}” is yours. {other} prepares it as soon as you have paid."),
            vec![fact("To pay", money(it.payable)), fact("Pay by", time(it.pay_by, place.zone))],
        )
    } else {
        (
            format!("You receive {} once the buyer has paid.", money(it.net)),
            format!("“{title}” is sold to {other}. Please do not hand it over before the payment has arrived."),
            vec![fact("The buyer pays", money(it.payable)), fact("You receive", money(it.net))],
        )
    };
    Letter {
        subject: format!("Agreed: {title}"),
        preview,
        heading: "The offer is accepted".to_owned(),
        paragraphs: vec![paragraph],
        quote: None,
        facts,
        action: Some(place.link("View order", format_args!("/orders/{}", it.order))),
        note: None,
        reason: REASON.to_owned(),
    }
}

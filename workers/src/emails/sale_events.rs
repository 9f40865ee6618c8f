//! Letters about registrations in sale events.

use market::emails::model::{BidderApproved, BidderRefused};

use super::formats::one_line;
use super::letter::{Letter, Place, fact};

pub(super) fn approved(it: &BidderApproved, place: &Place<'_>) -> Letter {
    let (words, title) = (place.words, one_line(&it.title));
    let paragraph = words.bidder_approved_text(&title);
    Letter {
        subject: words.bidder_approved_subject(&title),
        preview: paragraph.clone(),
        heading: words.bidder_approved_heading().to_owned(),
        paragraphs: vec![paragraph],
        figure: Some(fact(words.bidder_limit(), place.money(it.limit))),
        action: Some(place.link(words.bidder_action(), format_args!("/sale-events/{}", it.event))),
        note: Some(words.bidder_limit_note().to_owned()),
        reason: words.bidder_reason().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn refused(it: &BidderRefused, place: &Place<'_>) -> Letter {
    let (words, title) = (place.words, one_line(&it.title));
    let paragraph = words.bidder_refused_text(&title);
    Letter {
        subject: words.bidder_refused_subject(&title),
        preview: paragraph.clone(),
        heading: words.bidder_refused_heading().to_owned(),
        paragraphs: vec![paragraph],
        reason: words.bidder_reason().to_owned(),
        ..Letter::default()
    }
}

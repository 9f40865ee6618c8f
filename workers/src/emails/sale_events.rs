//! Letters to the bidders of sale events.

use market::emails::model::{BidderApproved, BidderRefused, BidsLapsed, SaleEventCancelled};
use market::orders::model::Side;

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

pub(super) fn lapsed(it: &BidsLapsed, place: &Place<'_>) -> Letter {
    let (words, title) = (place.words, one_line(&it.title));
    let paragraph = words.bids_lapsed_text(&title);
    Letter {
        subject: words.bids_lapsed_subject(&title),
        preview: paragraph.clone(),
        heading: words.bids_lapsed_heading().to_owned(),
        paragraphs: vec![paragraph],
        figure: Some(fact(words.current_price(), place.money(it.price))),
        facts: vec![
            fact(words.outbid_minimum(), place.money(it.next_minimum)),
            fact(words.ends(), place.time(it.ends_at)),
        ],
        action: Some(place.link(words.outbid_action(), format_args!("/auctions/{}", it.auction))),
        note: Some(words.bids_lapsed_note().to_owned()),
        reason: words.outbid_reason().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn cancelled(it: &SaleEventCancelled, place: &Place<'_>) -> Letter {
    let (words, title) = (place.words, one_line(&it.title));
    let paragraph = words.sale_event_cancelled_text(&title);
    Letter {
        subject: words.sale_event_cancelled_subject(&title),
        preview: paragraph.clone(),
        heading: words.sale_event_cancelled_heading().to_owned(),
        paragraphs: vec![paragraph],
        reason: place.because(Side::Buyer),
        ..Letter::default()
    }
}

//! Letters to sellers about their listings.

use market::emails::model::{InquiryReceived, ListingApproved, ListingRefused, ListingReinstated, ListingSuspended};

use super::formats::one_line;
use super::letter::{Letter, Place};

pub(super) fn suspended(it: &ListingSuspended, place: &Place<'_>) -> Letter {
    let (words, title) = (place.words, one_line(&it.title));
    Letter {
        subject: words.listing_suspended_subject(&title),
        preview: words.listing_suspended_preview().to_owned(),
        heading: words.listing_suspended_heading().to_owned(),
        paragraphs: vec![words.listing_suspended_text(&title)],
        quote: Some(it.reason.trim().to_owned()),
        action: Some(place.link(words.open_listing(), format_args!("/listings/{}", it.listing))),
        note: it.in_auction.then(|| words.listing_suspended_auction().to_owned()),
        reason: words.because_lists().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn reinstated(it: &ListingReinstated, place: &Place<'_>) -> Letter {
    let (words, title) = (place.words, one_line(&it.title));
    Letter {
        subject: words.listing_back_subject(&title),
        preview: words.listing_back_preview().to_owned(),
        heading: words.listing_back_heading().to_owned(),
        paragraphs: vec![words.listing_back_text(&title)],
        action: Some(place.link(words.open_listing(), format_args!("/listings/{}", it.listing))),
        reason: words.because_lists().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn approved(it: &ListingApproved, place: &Place<'_>) -> Letter {
    let (words, title) = (place.words, one_line(&it.title));
    Letter {
        subject: words.listing_published_subject(&title),
        preview: words.listing_published_preview().to_owned(),
        heading: words.listing_published_heading().to_owned(),
        paragraphs: vec![words.listing_published_text(&title)],
        action: Some(place.link(words.open_listing(), format_args!("/listings/{}", it.listing))),
        reason: words.because_lists().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn refused(it: &ListingRefused, place: &Place<'_>) -> Letter {
    let (words, title) = (place.words, one_line(&it.title));
    Letter {
        subject: words.listing_refused_subject(&title),
        preview: words.listing_refused_preview().to_owned(),
        heading: words.listing_refused_heading().to_owned(),
        paragraphs: vec![words.listing_refused_text(&title)],
        quote: Some(it.reason.trim().to_owned()),
        action: Some(place.link(words.listing_refused_action(), format_args!("/listings/{}", it.listing))),
        note: Some(words.listing_refused_note().to_owned()),
        reason: words.because_lists().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn inquiry(it: &InquiryReceived, place: &Place<'_>) -> Letter {
    let (words, title, org) = (place.words, one_line(&it.title), one_line(&it.org_name));
    Letter {
        subject: words.inquiry_subject(&title),
        preview: words.inquiry_preview(&org),
        heading: words.inquiry_heading().to_owned(),
        paragraphs: vec![words.inquiry_text(&org, &title)],
        quote: Some(it.text.trim().to_owned()),
        action: Some(place.link(words.open_listing(), format_args!("/listings/{}", it.listing))),
        reason: words.because_lists().to_owned(),
        ..Letter::default()
    }
}

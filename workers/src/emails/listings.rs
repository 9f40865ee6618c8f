//! Letters to sellers about their listings.

use market::emails::model::{InquiryReceived, ListingApproved, ListingRefused, ListingReinstated, ListingSuspended};

use super::letter::{Letter, Place};
use super::wording::one_line;

const REASON: &str = "You are receiving this email because you trade for the organisation that listed this.";

pub(super) fn suspended(it: &ListingSuspended, place: &Place<'_>) -> Letter {
    let title = one_line(&it.title);
    let auction = if it.in_auction {
        " Its auction goes on in time but takes no bids. If it ends before the listing is back, it is cancelled."
    } else {
        ""
    };
    Letter {
        subject: format!("Your listing is suspended: {title}"),
        preview: "Nobody else sees it for now. Here is why.".to_owned(),
        heading: "Your listing is suspended".to_owned(),
        paragraphs: vec![format!(
            "We have taken {title} off the marketplace.{auction} The reason, as our team wrote it:"
        )],
        quote: Some(it.reason.trim().to_owned()),
        facts: vec![],
        action: Some(place.link("Open the listing", format_args!("/listings/{}", it.listing))),
        note: None,
        reason: REASON.to_owned(),
    }
}

pub(super) fn reinstated(it: &ListingReinstated, place: &Place<'_>) -> Letter {
    let title = one_line(&it.title);
    Letter {
        subject: format!("Your listing is back: {title}"),
        preview: "Everybody sees it again.".to_owned(),
        heading: "Your listing is back".to_owned(),
        paragraphs: vec![format!(
            "{title} is shown to everybody again. If it is in an auction, that takes bids again."
        )],
        quote: None,
        facts: vec![],
        action: Some(place.link("Open the listing", format_args!("/listings/{}", it.listing))),
        note: None,
        reason: REASON.to_owned(),
    }
}

pub(super) fn approved(it: &ListingApproved, place: &Place<'_>) -> Letter {
    let title = one_line(&it.title);
    Letter {
        subject: format!("Your listing is published: {title}"),
        preview: "Everybody sees it now.".to_owned(),
        heading: "Your listing is published".to_owned(),
        paragraphs: vec![format!("We have looked at {title}. Everybody sees it now.")],
        quote: None,
        facts: vec![],
        action: Some(place.link("Open the listing", format_args!("/listings/{}", it.listing))),
        note: None,
        reason: REASON.to_owned(),
    }
}

pub(super) fn refused(it: &ListingRefused, place: &Place<'_>) -> Letter {
    let title = one_line(&it.title);
    Letter {
        subject: format!("Your listing needs a change: {title}"),
        preview: "We could not publish it yet. Here is why.".to_owned(),
        heading: "Your listing needs a change".to_owned(),
        paragraphs: vec![format!(
            "We have looked at {title} and could not publish it. It is a draft again. The reason, as our team wrote it:"
        )],
        quote: Some(it.reason.trim().to_owned()),
        facts: vec![],
        action: Some(place.link("Open the draft", format_args!("/listings/{}", it.listing))),
        note: Some("Change what is named, then publish it again.".to_owned()),
        reason: REASON.to_owned(),
    }
}

pub(super) fn inquiry(it: &InquiryReceived, place: &Place<'_>) -> Letter {
    let (title, org) = (one_line(&it.title), one_line(&it.org_name));
    Letter {
        subject: format!("A question about {title}"),
        preview: format!("{org} asks about your listing."),
        heading: "You have a question".to_owned(),
        paragraphs: vec![format!("{org} asks about “{title}”:")],
        quote: Some(it.text.trim().to_owned()),
        facts: vec![],
        action: Some(place.link("Open the listing", format_args!("/listings/{}", it.listing))),
        note: None,
        reason: REASON.to_owned(),
    }
}

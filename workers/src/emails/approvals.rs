//! Letters about sales on approval.

use market::auctions::model::ApprovalStatus;
use market::emails::model::ApprovalNews;
use market::orders::model::Side;

use super::letter::{Fact, Letter, Place, fact};
use super::orders::SELLER;
use super::wording::{money, one_line, time};

const BIDDER: &str = "You are receiving this email because you trade for an organisation that bid on this.";

pub(super) fn asked(it: &ApprovalNews, place: &Place<'_>) -> Letter {
    let until = time(it.answer_by, place.zone);
    let (subject, paragraph, note) = match it.side {
        Side::Seller => (
            "Your decision",
            format!(
                "The highest bid is below your reserve. Accept it, decline it or ask for another amount by {until}."
            ),
            Some("If you do not answer, the lot is not sold. Its units are kept until then.".to_owned()),
        ),
        Side::Buyer => (
            "The seller decides",
            format!("Your bid is the highest, but below the seller's reserve. The seller decides about it by {until}."),
            Some("You need do nothing. Your bid binds you until then.".to_owned()),
        ),
    };
    letter(it, place, Words { subject, heading: "The highest bid is below the reserve", paragraph, note })
}

pub(super) fn countered(it: &ApprovalNews, place: &Place<'_>) -> Letter {
    let until = time(it.answer_by, place.zone);
    let paragraph =
        format!("The seller does not accept your bid, but you can have it for another amount until {until}.");
    let note = Some("You need not: if you do not answer, nothing is sold.".to_owned());
    letter(it, place, Words { subject: "Another amount", heading: "The seller asks for more", paragraph, note })
}

pub(super) fn ended(it: &ApprovalNews, place: &Place<'_>) -> Letter {
    let paragraph = match (it.side, it.status) {
        (Side::Buyer, ApprovalStatus::Declined) => "The seller does not accept your bid.",
        (Side::Seller, ApprovalStatus::Declined) => "The bidder does not want it for the amount that you asked for.",
        (Side::Buyer, _) if it.counter.is_some() => "You have not answered in time.",
        (Side::Buyer, _) => "The seller has not answered in time.",
        (Side::Seller, _) if it.counter.is_some() => "The bidder has not answered in time.",
        (Side::Seller, _) => "You have not answered in time.",
    };
    let note = match it.side {
        Side::Buyer => None,
        Side::Seller => Some("You can list it again.".to_owned()),
    };
    letter(it, place, Words { subject: "Not sold", heading: "It is not sold", paragraph: paragraph.to_owned(), note })
}

/// What a letter says.
struct Words {
    subject: &'static str,
    heading: &'static str,
    paragraph: String,
    note: Option<String>,
}

fn letter(it: &ApprovalNews, place: &Place<'_>, words: Words) -> Letter {
    let title = one_line(&it.title);
    let mut facts: Vec<Fact> = vec![fact("Highest bid", money(it.price))];
    facts.extend(it.counter.map(|counter| fact("The seller asks for", money(counter))));
    if it.status.answered_by().is_some() {
        facts.push(fact("Answer by", time(it.answer_by, place.zone)));
    }
    Letter {
        subject: format!("{}: “{title}”", words.subject),
        preview: words.paragraph.clone(),
        heading: words.heading.to_owned(),
        paragraphs: vec![words.paragraph, format!("It is about “{title}”.")],
        quote: None,
        facts,
        action: Some(place.link("View auction", format_args!("/auctions/{}", it.auction))),
        note: words.note,
        reason: match it.side {
            Side::Buyer => BIDDER,
            Side::Seller => SELLER,
        }
        .to_owned(),
    }
}

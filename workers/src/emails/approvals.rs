//! Letters about sales on approval.

use market::auctions::model::ApprovalStatus;
use market::emails::model::ApprovalNews;
use market::orders::model::Side;

use super::formats::one_line;
use super::letter::{Letter, Place, fact};

pub(super) fn asked(it: &ApprovalNews, place: &Place<'_>) -> Letter {
    let (words, title, until) = (place.words, one_line(&it.title), place.time(it.answer_by));
    let (subject, paragraph, note) = match it.side {
        Side::Seller => {
            (words.approval_subject_seller(&title), words.approval_seller(&until), words.approval_seller_note())
        }
        Side::Buyer => {
            (words.approval_subject_buyer(&title), words.approval_buyer(&until), words.approval_buyer_note())
        }
    };
    letter(it, place, Words { subject, heading: words.approval_heading(), paragraph, note: Some(note) })
}

pub(super) fn countered(it: &ApprovalNews, place: &Place<'_>) -> Letter {
    let words = place.words;
    let said = Words {
        subject: words.counter_subject(&one_line(&it.title)),
        heading: words.counter_heading(),
        paragraph: words.counter_text(&place.time(it.answer_by)),
        note: Some(words.counter_note()),
    };
    letter(it, place, said)
}

pub(super) fn ended(it: &ApprovalNews, place: &Place<'_>) -> Letter {
    let words = place.words;
    let paragraph = match (it.side, it.status) {
        (Side::Buyer, ApprovalStatus::Declined) => words.approval_declined_buyer(),
        (Side::Seller, ApprovalStatus::Declined) => words.approval_declined_seller(),
        (Side::Buyer, _) if it.counter.is_some() => words.approval_late_you(),
        (Side::Buyer, _) => words.approval_late_seller(),
        (Side::Seller, _) if it.counter.is_some() => words.approval_late_bidder(),
        (Side::Seller, _) => words.approval_late_you(),
    };
    let said = Words {
        subject: words.approval_ended_subject(&one_line(&it.title)),
        heading: words.approval_ended_heading(),
        paragraph: paragraph.to_owned(),
        note: (it.side == Side::Seller).then(|| words.list_again()),
    };
    letter(it, place, said)
}

/// What a letter says.
struct Words {
    subject: String,
    heading: &'static str,
    paragraph: String,
    note: Option<&'static str>,
}

fn letter(it: &ApprovalNews, place: &Place<'_>, said: Words) -> Letter {
    let words = place.words;
    let bid = fact(words.approval_highest_bid(), place.money(it.price));
    let (figure, mut facts) = match it.counter {
        Some(counter) => (fact(words.approval_asked(), place.money(counter)), vec![bid]),
        None => (bid, Vec::new()),
    };
    if it.status.answered_by().is_some() {
        facts.push(fact(words.answer_by(), place.time(it.answer_by)));
    }
    Letter {
        subject: said.subject,
        preview: said.paragraph.clone(),
        heading: said.heading.to_owned(),
        paragraphs: vec![said.paragraph, words.about(&one_line(&it.title))],
        figure: Some(figure),
        facts,
        action: Some(place.auction(it.auction)),
        note: said.note.map(str::to_owned),
        reason: match it.side {
            Side::Buyer => words.because_bidder(),
            Side::Seller => words.because_seller(),
        }
        .to_owned(),
        ..Letter::default()
    }
}

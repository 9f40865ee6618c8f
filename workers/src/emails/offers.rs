//! Letters about offers.

use market::emails::model::{OfferAccepted, OfferNews};

use super::formats::one_line;
use super::letter::{Letter, Place, fact};

/// What a letter about terms says.
struct Words {
    subject: String,
    heading: &'static str,
    paragraph: String,
    /// Whether there is something to answer.
    answer: bool,
}

pub(super) fn received(it: &OfferNews, place: &Place<'_>) -> Letter {
    let (words, title, other) = (place.words, one_line(&it.title), one_line(&it.other));
    let said = Words {
        subject: words.offer_received_subject(&title),
        heading: words.offer_received_heading(),
        paragraph: words.offer_received_text(&other),
        answer: true,
    };
    letter(it, place, said)
}

pub(super) fn countered(it: &OfferNews, place: &Place<'_>) -> Letter {
    let (words, title, other) = (place.words, one_line(&it.title), one_line(&it.other));
    let said = Words {
        subject: words.offer_countered_subject(&title),
        heading: words.offer_countered_heading(),
        paragraph: words.offer_countered_text(&other),
        answer: true,
    };
    letter(it, place, said)
}

pub(super) fn declined(it: &OfferNews, place: &Place<'_>) -> Letter {
    let (words, title, other) = (place.words, one_line(&it.title), one_line(&it.other));
    let said = Words {
        subject: words.offer_declined_subject(&title),
        heading: words.offer_declined_heading(),
        paragraph: words.offer_declined_text(&other),
        answer: false,
    };
    letter(it, place, said)
}

pub(super) fn withdrawn(it: &OfferNews, place: &Place<'_>) -> Letter {
    let (words, title, other) = (place.words, one_line(&it.title), one_line(&it.other));
    let said = Words {
        subject: words.offer_withdrawn_subject(&title),
        heading: words.offer_withdrawn_heading(),
        paragraph: words.offer_withdrawn_text(&other),
        answer: false,
    };
    letter(it, place, said)
}

pub(super) fn expired(it: &OfferNews, place: &Place<'_>) -> Letter {
    let (words, title, other) = (place.words, one_line(&it.title), one_line(&it.other));
    let said = Words {
        subject: words.offer_expired_subject(&title),
        heading: words.offer_expired_heading(),
        paragraph: words.offer_expired_text(&other),
        answer: false,
    };
    letter(it, place, said)
}

fn letter(it: &OfferNews, place: &Place<'_>, said: Words) -> Letter {
    let words = place.words;
    let (price, quantity) = (place.money(it.price), place.number(it.quantity));
    let mut facts = vec![fact(words.quantity(), quantity.clone())];
    if said.answer {
        facts.push(fact(words.answer_by(), place.time(it.expires_at)));
    }
    let action = if said.answer { words.offer_answer() } else { words.offer_open() };
    Letter {
        subject: said.subject,
        preview: words.offer_preview(&price, &quantity),
        heading: said.heading.to_owned(),
        paragraphs: vec![said.paragraph, words.about(&one_line(&it.title))],
        quote: it.note.as_ref().filter(|_| said.answer).map(|note| note.trim().to_owned()),
        figure: Some(fact(words.offer_price(), price)),
        facts,
        action: Some(place.link(action, format_args!("/offers/{}", it.offer))),
        note: said.answer.then(|| words.offer_note().to_owned()),
        reason: words.because_offer().to_owned(),
    }
}

pub(super) fn accepted(it: &OfferAccepted, place: &Place<'_>) -> Letter {
    let (words, title, other) = (place.words, one_line(&it.title), one_line(&it.other));
    let (payable, net) = (place.money(it.payable), place.money(it.net));
    let (preview, paragraph, figure, second) = if it.buys {
        let by = place.time(it.pay_by);
        (
            words.pay_amount_by(&payable, &by),
            words.agreed_buyer(&title, &other),
            fact(words.to_pay(), payable),
            fact(words.pay_by(), by),
        )
    } else {
        (
            words.receive_once_paid(&net),
            words.agreed_seller(&title, &other),
            fact(words.you_receive(), net),
            fact(words.the_buyer_pays(), payable),
        )
    };
    Letter {
        subject: words.agreed_subject(&title),
        preview,
        heading: words.agreed_heading().to_owned(),
        paragraphs: vec![paragraph],
        figure: Some(figure),
        facts: vec![second],
        action: Some(place.order(it.order)),
        reason: words.because_offer().to_owned(),
        ..Letter::default()
    }
}

//! Letters about reviews.

use market::emails::model::{ReviewAsked, ReviewShown};

use super::formats::one_line;
use super::letter::{Letter, Place, fact};

pub(super) fn asked(it: &ReviewAsked, place: &Place<'_>) -> Letter {
    let (words, goods, other) = (place.words, place.goods(&it.title, it.more), one_line(&it.other));
    let paragraph = words.review_asked_text(&other, &goods);
    Letter {
        subject: words.review_asked_subject(&goods),
        preview: paragraph.clone(),
        heading: words.review_asked_heading().to_owned(),
        paragraphs: vec![paragraph],
        facts: vec![
            fact(words.review_until(), place.time(it.until)),
            place.other(it.side, &it.other),
            place.order_fact(it.order),
        ],
        action: Some(place.link(words.review_write(), format_args!("/orders/{}/review", it.order))),
        note: Some(words.review_blind(&other)),
        reason: place.because(it.side),
        ..Letter::default()
    }
}

pub(super) fn shown(it: &ReviewShown, place: &Place<'_>) -> Letter {
    let (words, goods, other) = (place.words, place.goods(&it.title, it.more), one_line(&it.other));
    let paragraph = words.review_shown_text(&other, &goods);
    Letter {
        subject: words.review_shown_subject(&other),
        preview: paragraph.clone(),
        heading: words.review_shown_heading().to_owned(),
        paragraphs: vec![paragraph],
        quote: Some(it.text.clone()),
        facts: vec![
            fact(words.review_stars(), words.review_stars_of(&place.number(it.stars))),
            place.other(it.side, &it.other),
            place.order_fact(it.order),
        ],
        action: Some(place.link(words.review_read(), format_args!("/orders/{}/review", it.order))),
        note: Some(words.review_answer_note().to_owned()),
        reason: place.because(it.side),
        ..Letter::default()
    }
}

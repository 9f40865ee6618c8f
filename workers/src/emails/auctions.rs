//! Letters about auctions.

use market::emails::model::{EndingSoon, Outbid, Sold, Unsold, Winning, Won};

use super::formats::one_line;
use super::letter::{Letter, Place, fact};

pub(super) fn outbid(it: &Outbid, place: &Place<'_>) -> Letter {
    let (words, title) = (place.words, one_line(&it.title));
    Letter {
        subject: words.outbid_subject(&title),
        preview: words.outbid_preview(&place.money(it.price)),
        heading: words.outbid_heading().to_owned(),
        paragraphs: vec![words.outbid_text(&title)],
        figure: Some(fact(words.current_price(), place.money(it.price))),
        facts: vec![
            fact(words.outbid_minimum(), place.money(it.next_minimum)),
            fact(words.ends(), place.time(it.ends_at)),
        ],
        action: Some(place.link(words.outbid_action(), format_args!("/auctions/{}", it.auction))),
        note: Some(words.end_may_move().to_owned()),
        reason: words.outbid_reason().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn won(it: &Won, place: &Place<'_>) -> Letter {
    let (words, title) = (place.words, one_line(&it.title));
    let (total, by) = (place.money(it.total), place.time(it.pay_by));
    Letter {
        subject: words.won_subject(&title),
        preview: words.pay_amount_by(&total, &by),
        heading: words.won_heading().to_owned(),
        paragraphs: vec![words.won_text(&title)],
        figure: Some(fact(words.to_pay(), total)),
        facts: vec![fact(words.pay_by(), by), fact(words.seller(), one_line(&it.seller)), place.order_fact(it.order)],
        action: Some(place.order(it.order)),
        reason: words.won_reason().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn sold(it: &Sold, place: &Place<'_>) -> Letter {
    let (words, title) = (place.words, one_line(&it.title));
    let (total, net) = (place.money(it.total), place.money(it.net));
    Letter {
        subject: words.sold_subject(&total, &title),
        preview: words.receive_once_paid(&net),
        heading: words.sold_heading().to_owned(),
        paragraphs: vec![words.sold_text(&title)],
        figure: Some(fact(words.you_receive(), net)),
        facts: vec![
            fact(words.price(), total),
            fact(words.sold_fee(), place.money(it.fee)),
            fact(words.buyer(), one_line(&it.buyer)),
            place.order_fact(it.order),
        ],
        action: Some(place.order(it.order)),
        reason: words.sold_reason().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn unsold(it: &Unsold, place: &Place<'_>) -> Letter {
    let (words, title) = (place.words, one_line(&it.title));
    Letter {
        subject: words.unsold_subject(&title),
        preview: words.unsold_preview().to_owned(),
        heading: words.unsold_heading().to_owned(),
        paragraphs: vec![words.unsold_text(&title), words.unsold_again().to_owned()],
        action: Some(place.auction(it.auction)),
        reason: words.unsold_reason().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn ending_soon(it: &EndingSoon, place: &Place<'_>) -> Letter {
    let (words, title) = (place.words, one_line(&it.title));
    let price = place.money(it.price);
    let standing = match it.leading {
        Some(true) => words.ending_leading(),
        Some(false) => words.ending_not_leading(),
        None if it.watching => words.ending_watching(),
        None => words.ending_bid(),
    };
    Letter {
        subject: words.ending_subject(&title),
        preview: words.ending_preview(standing, &price),
        heading: words.ending_heading().to_owned(),
        paragraphs: vec![words.ending_text(&title, standing)],
        figure: Some(fact(words.current_price(), price)),
        facts: vec![fact(words.ends(), place.time(it.ends_at))],
        action: Some(place.auction(it.auction)),
        note: Some(words.end_may_move().to_owned()),
        reason: words.ending_reason().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn winning(it: &Winning, place: &Place<'_>) -> Letter {
    let (words, title) = (place.words, one_line(&it.title));
    let price = place.money(it.price);
    let (subject, outlook) = if it.reserve_met {
        (words.winning_subject(&title), words.winning_outlook())
    } else {
        (words.winning_below_subject(&title), words.winning_below_outlook())
    };
    Letter {
        subject,
        preview: words.winning_preview(&price),
        heading: words.winning_heading().to_owned(),
        paragraphs: vec![
            if it.again { words.winning_again(&title) } else { words.winning_text(&title) },
            outlook.to_owned(),
        ],
        figure: Some(fact(words.current_price(), price)),
        facts: vec![fact(words.ends(), place.time(it.ends_at))],
        action: Some(place.auction(it.auction)),
        note: Some(words.end_may_move().to_owned()),
        reason: words.outbid_reason().to_owned(),
        ..Letter::default()
    }
}

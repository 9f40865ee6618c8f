//! Letters about what sellers are paid out.

use market::emails::model::{PayoutAccountNeeded, PayoutSent};

use super::letter::{Letter, Place, fact};

pub(super) fn sent(it: &PayoutSent, place: &Place<'_>) -> Letter {
    let (words, amount) = (place.words, place.money(it.amount));
    Letter {
        subject: words.payout_subject(&amount),
        preview: words.payout_preview().to_owned(),
        heading: words.payout_heading().to_owned(),
        paragraphs: vec![words.payout_text(&amount)],
        figure: Some(fact(words.amount(), amount)),
        facts: vec![fact(words.payout(), it.payout.to_string())],
        action: Some(place.link(words.open_payouts(), format_args!("/payouts"))),
        note: Some(words.payout_note().to_owned()),
        reason: words.because_earned().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn account_needed(it: &PayoutAccountNeeded, place: &Place<'_>) -> Letter {
    let (words, amount) = (place.words, place.money(it.amount));
    Letter {
        subject: words.account_needed_subject(&amount),
        preview: words.account_needed_preview().to_owned(),
        heading: words.account_needed_heading().to_owned(),
        paragraphs: vec![words.account_needed_text(&amount)],
        figure: Some(fact(words.earned(), amount)),
        action: Some(place.link(words.open_payouts(), format_args!("/payouts"))),
        reason: words.because_earned().to_owned(),
        ..Letter::default()
    }
}

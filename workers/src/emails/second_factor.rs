//! Letters about the second factor of a login.

use market::emails::model::RecoveryCodeUsed;

use super::letter::{Letter, Place};

pub(super) fn turned_on(place: &Place<'_>) -> Letter {
    let words = place.words;
    Letter {
        subject: words.second_factor_on_subject().to_owned(),
        preview: words.second_factor_on_preview().to_owned(),
        heading: words.second_factor_on_subject().to_owned(),
        paragraphs: vec![words.second_factor_on_text().to_owned(), words.second_factor_on_else().to_owned()],
        reason: words.because_safety().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn turned_off(place: &Place<'_>) -> Letter {
    let words = place.words;
    Letter {
        subject: words.second_factor_off_subject().to_owned(),
        preview: words.second_factor_off_preview().to_owned(),
        heading: words.second_factor_off_subject().to_owned(),
        paragraphs: vec![words.second_factor_off_text().to_owned(), words.second_factor_else().to_owned()],
        reason: words.because_safety().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn recovery_code_used(it: &RecoveryCodeUsed, place: &Place<'_>) -> Letter {
    let words = place.words;
    let left = match it.left {
        0 => words.recovery_codes_none_left().to_owned(),
        1 => words.recovery_codes_one_left().to_owned(),
        left => words.recovery_codes_left(&place.number(left)),
    };
    Letter {
        subject: words.recovery_code_subject().to_owned(),
        preview: words.recovery_code_preview().to_owned(),
        heading: words.recovery_code_subject().to_owned(),
        paragraphs: vec![words.recovery_code_text().to_owned(), left, words.second_factor_else().to_owned()],
        reason: words.because_safety().to_owned(),
        ..Letter::default()
    }
}

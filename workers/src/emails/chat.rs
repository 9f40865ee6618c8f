//! Letters about messages that nobody has read.

use market::chat::model::MOST_COUNTED;
use market::emails::model::UnreadMessages;

use super::formats::one_line;
use super::letter::{Letter, Place};

pub(super) fn unread(it: &UnreadMessages, place: &Place<'_>) -> Letter {
    let (words, title, other) = (place.words, one_line(&it.title), one_line(&it.other));
    let count = place.number(it.unread);
    let (heading, paragraph) = match it.unread {
        1 => (words.unread_one().to_owned(), words.unread_text_one(&other, &title)),
        MOST_COUNTED.. => (words.unread_many(&count), words.unread_text_many(&other, &title, &count)),
        _ => (words.unread_several(&count), words.unread_text_several(&other, &title, &count)),
    };
    Letter {
        subject: words.unread_subject(&other, &title),
        preview: words.unread_preview().to_owned(),
        heading,
        paragraphs: vec![paragraph],
        action: Some(place.link(words.unread_action(), format_args!("/conversations/{}", it.conversation))),
        note: Some(words.unread_note().to_owned()),
        reason: words.because_unread().to_owned(),
        ..Letter::default()
    }
}

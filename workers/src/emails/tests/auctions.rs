//! Samples of mails to those who lead in an auction.

use market::emails::model::{Content, Winning};

use super::{at, eur, id};

/// Before the end with the reserve met and without, and when a lead has come back.
pub(super) fn leads(title: &str) -> impl Iterator<Item = Content> {
    [(true, false), (false, false), (true, true)].into_iter().map(move |(reserve_met, again)| {
        Content::Winning(Winning {
            auction: id(1),
            title: title.to_owned(),
            price: eur(12_345_600),
            reserve_met,
            again,
            ends_at: at(17, 0),
        })
    })
}

//! What happens to a listing when its seller publishes it.

use shared::invalid::Invalid;

use super::model::{Listing, ListingStatus, SaleMode};
use crate::catalog::model::Review;

/// How many listings a seller must have published before new ones are shown without a moderator,
/// in categories that look at new sellers.
pub const KNOWN_AFTER: i64 = 3;

/// Everything that keeps a draft from being published; `of_item` is what keeps its item from being
/// offered.
#[must_use]
pub fn missing(draft: &Listing, of_item: Vec<Invalid>) -> Vec<Invalid> {
    let price = (draft.sale_mode == SaleMode::Fixed && draft.price.is_none())
        .then(|| Invalid::new("/price", "a fixed sale needs a price"));
    price.into_iter().chain(of_item).collect()
}

/// Whether a complete draft is shown to everybody at once, or to a moderator first. `published` is
/// how many listings of its seller have been shown before.
#[must_use]
pub const fn published_as(review: Review, published: i64) -> ListingStatus {
    match review {
        Review::NewSellers if published < KNOWN_AFTER => ListingStatus::InReview,
        Review::Always => ListingStatus::InReview,
        Review::None | Review::NewSellers => ListingStatus::Published,
    }
}

#[cfg(test)]
mod tests;

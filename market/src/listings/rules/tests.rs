use super::*;

#[test]
fn a_moderator_sees_what_the_category_asks_for() {
    for (review, published, expected) in [
        (Review::None, 0, ListingStatus::Published),
        (Review::NewSellers, 0, ListingStatus::InReview),
        (Review::NewSellers, KNOWN_AFTER - 1, ListingStatus::InReview),
        (Review::NewSellers, KNOWN_AFTER, ListingStatus::Published),
        (Review::Always, 1_000, ListingStatus::InReview),
    ] {
        assert_eq!(published_as(review, published), expected, "{review:?} after {published}");
    }
}

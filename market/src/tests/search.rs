//! The search's tables.

use super::{Breach, copy};

pub(super) fn breaches() -> Vec<Breach> {
    let sql = str::to_owned;
    let row = |changes: &str| {
        let draft = "'listing_id', (SELECT id FROM listings WHERE status = 'draft' LIMIT 1)";
        copy("listing_search", "true", &format!("{draft}, {changes}"))
    };
    vec![
        ("listing_search_of_listing", copy("listing_search", "true", "'listing_id', gen_random_uuid()")),
        ("listing_search_place_on_body", row("'body', 'earth'")),
        ("listing_search_place_on_body", row("'place', '(1,2)'")),
        (
            "listing_numbers_of_listing",
            sql("INSERT INTO listing_numbers (listing_id, name, value)
                 SELECT id, 'year', 2000 FROM listings WHERE status = 'draft' LIMIT 1"),
        ),
    ]
}
